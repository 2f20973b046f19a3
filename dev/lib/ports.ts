import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { tryLock } from './lock.ts'

// Below the range from which the kernel takes ports for outgoing connections: a client that keeps dialling a killed
// server's port would else sooner or later be given that very port, connect to itself and keep the server out.
const FIRST_PORT = 20_000
const BLOCK = 8
const BLOCKS = 1_500

/** Ports that no other run of the local stack on this machine will be given until they are released. */
export interface PortBlock {
  readonly ports: readonly number[]
  release(): Promise<void>
}

/** Which ports are wanted. */
export interface PortRequest {
  /** At most 8. */
  readonly count: number
  /** The first port that was given the last time, to be had again if it is still free. */
  readonly before?: number | undefined
  readonly random?: () => number
}

/** Reserves free loopback ports; throws when none are left. */
export async function reservePorts(request: PortRequest, signal: AbortSignal): Promise<PortBlock> {
  for (const first of blocksToTry(request)) {
    const lock = await tryLock(join(cacheFolder(), 'ports', String(first)), `ports from ${first}`, signal)
    if (lock.kind === 'taken') continue
    const ports = Array.from({ length: request.count }, (_, index) => first + index)
    if ((await Promise.all(ports.map(isFree))).every((free) => free))
      return { ports, release: lock.lock.release }
    await lock.lock.release()
  }
  throw new Error(`no ${request.count} free ports side by side from ${FIRST_PORT} on`)
}

/** The first port that a folder's servers had the last time; undefined when they never ran. */
export async function readFirstPort(dir: string): Promise<number | undefined> {
  return Number(await readFile(join(dir, 'first-port'), 'utf8').catch(() => '')) || undefined
}

/** Remembers the first port that a folder's servers have. */
export async function writeFirstPort(dir: string, port: number): Promise<void> {
  await writeFile(join(dir, 'first-port'), `${port}\n`)
}

/** The first ports of the blocks to try, in order. */
export function blocksToTry({ before, random = Math.random }: PortRequest): readonly number[] {
  const start = Math.floor(random() * BLOCKS)
  const blocks = Array.from({ length: BLOCKS }, (_, index) => FIRST_PORT + ((start + index) % BLOCKS) * BLOCK)
  return before !== undefined && blocks.includes(before) ? [before, ...blocks] : blocks
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '0.0.0.0')
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
