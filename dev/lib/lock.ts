import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { close, ftruncate, open, readFile, write } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { Run } from './run.ts'

// Plain numbers: a FileHandle that nobody refers to is closed some time, and with it the lock would be gone.
const openFile = promisify(open)
const closeFile = promisify(close)

/** A lock that this process holds until it is released or the process ends, however it ends. */
export interface Lock {
  release(): Promise<void>
}

/** The outcome of asking for a lock without waiting. */
export type LockAttempt =
  | { readonly kind: 'held'; readonly lock: Lock }
  | { readonly kind: 'taken'; readonly by: string }

/** Takes the lock at `path` if it is free, else says what its holder wrote there; `purpose` is what others will read. */
export async function tryLock(path: string, purpose: string, signal: AbortSignal): Promise<LockAttempt> {
  const file = await openLock(path)
  if (await flock(file, ['-n'], signal)) return { kind: 'held', lock: await sign(file, purpose) }
  const by = (await promisify(readFile)(path, 'utf8')).trim() || 'another process'
  await closeFile(file)
  return { kind: 'taken', by }
}

/** Waits for the lock at `path`, at most `withinMs` milliseconds, and tells the person who holds it meanwhile. */
export async function waitForLock(path: string, purpose: string, withinMs: number, run: Run): Promise<Lock> {
  const first = await tryLock(path, purpose, run.signal)
  if (first.kind === 'held') return first.lock
  run.progress(`waiting for ${first.by}, which holds ${path}`)
  const file = await openLock(path)
  if (await flock(file, ['-w', String(withinMs / 1_000)], run.signal)) return sign(file, purpose)
  await closeFile(file)
  throw new Error(`${path} was still held by ${first.by} after ${withinMs / 1_000} s`)
}

async function openLock(path: string): Promise<number> {
  await mkdir(dirname(path), { recursive: true })
  return openFile(path, 'a+')
}

// The lock belongs to the open file, which util-linux's flock shares with this process: the kernel frees it when
// the last of them is gone, so there is no stale lock, not even across process namespaces.
async function flock(file: number, how: readonly string[], signal: AbortSignal): Promise<boolean> {
  const child = spawn('flock', ['-x', ...how, '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file],
    signal,
  })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0 && code !== 1) throw new Error(`flock ended with ${code}`)
    return code === 0
  } catch (error) {
    await closeFile(file)
    throw error
  }
}

async function sign(file: number, purpose: string): Promise<Lock> {
  await promisify(ftruncate)(file)
  await promisify(write)(file, `${purpose} (process ${process.pid}, since ${new Date().toISOString()})\n`)
  return { release: () => closeFile(file) }
}
