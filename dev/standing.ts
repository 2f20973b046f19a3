import { spawn } from 'node:child_process'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BedAddresses } from './bed.ts'
import { lastLines } from './lib/files.ts'
import { allGone, identify, isRunning, type ProcessId, signalAll } from './lib/processes.ts'
import type { Run } from './lib/run.ts'
import { Fatal, waitUntil } from './lib/wait.ts'

// A first start compiles Kubernetes.
const START_LIMIT_MS = 45 * 60_000

/** What the keeper of a standing stack writes once its servers are ready. */
export interface StandingState {
  readonly keeper: ProcessId
  readonly addresses: BedAddresses
}

/** The file in which the keeper of the stack in `dir` says that it is ready. */
export function stateFile(dir: string): string {
  return join(dir, 'state.json')
}

/** The state of the standing stack in `dir`; undefined when none is up. */
export async function readStanding(dir: string): Promise<StandingState | undefined> {
  const text = await readFile(stateFile(dir), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const state = JSON.parse(text) as StandingState
  return (await isRunning(state.keeper)) ? state : undefined
}

/** Starts a standing stack in `dir`, unless one is up, under a keeper that outlives this process. */
export async function bringUp(dir: string, context: Run): Promise<StandingState> {
  const standing = await readStanding(dir)
  if (standing) return standing
  await mkdir(dir, { recursive: true })
  await rm(stateFile(dir), { force: true })
  const log = join(dir, 'keeper.log')
  const keeper = await spawnKeeper(dir, log)
  let told = 0
  const probe = async () => {
    const lines = (await readFile(log, 'utf8')).split('\n').slice(0, -1)
    for (const line of lines.slice(told)) context.progress(line.replace(/^\[.*? s\] /, ''))
    told = lines.length
    if (await readStanding(dir)) return true
    if (await isRunning(keeper)) return false
    throw new Fatal(`the stack did not start; the end of ${log}:\n${await lastLines(log, 30)}`)
  }
  await waitUntil({
    what: 'the stack',
    withinMs: START_LIMIT_MS,
    everyMs: 200,
    probe,
    signal: context.signal,
  })
  const state = await readStanding(dir)
  if (!state) throw new Error(`the stack ended right after its start; see ${log}`)
  return state
}

async function spawnKeeper(dir: string, log: string): Promise<ProcessId> {
  await using output = await open(log, 'w')
  const child = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), dir], {
    stdio: ['ignore', output.fd, output.fd],
    detached: true,
  })
  child.unref()
  const keeper = child.pid === undefined ? undefined : await identify(child.pid)
  if (!keeper) throw new Error(`the keeper did not start; see ${log}`)
  return keeper
}

/** Ends the standing stack in `dir` and keeps its data; false when none is up. */
export async function bringDown(dir: string): Promise<boolean> {
  const standing = await readStanding(dir)
  if (!standing) return false
  await signalAll([standing.keeper], 'SIGTERM')
  // By force, its servers die with it.
  if (!(await allGone([standing.keeper], 90_000))) await signalAll([standing.keeper], 'SIGKILL')
  return true
}
