import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { startBed } from './bed.ts'
import { writeAtomically } from './lib/files.ts'
import { tryLock } from './lib/lock.ts'
import { identify } from './lib/processes.ts'
import { createProgress } from './lib/run.ts'
import { type StandingState, stateFile } from './standing.ts'

// Owns the servers of a standing stack: they live as long as this process, which ends on SIGTERM or SIGINT.
async function keep(dir: string): Promise<void> {
  const ending = new AbortController()
  const end = () => ending.abort(new Error('told to stop'))
  process.on('SIGTERM', end).on('SIGINT', end)
  const progress = createProgress((line) => void process.stdout.write(line))
  const lock = await tryLock(`${dir}/keeper.lock`, 'a standing stack', ending.signal)
  if (lock.kind === 'taken') throw new Error(`${dir} is in use by ${lock.by}`)
  const bed = await startBed({ dir, progress, signal: ending.signal })
  const keeper = await identify(process.pid)
  if (!keeper) throw new Error('/proc says nothing about this process')
  const state: StandingState = { keeper, addresses: bed.addresses }
  await writeAtomically(stateFile(dir), JSON.stringify(state, undefined, 2), 0o600)
  const alive = setInterval(() => undefined, 60_000)
  if (!ending.signal.aborted) await once(ending.signal, 'abort')
  await rm(stateFile(dir), { force: true })
  await bed.stop()
  progress('stopped')
  await lock.lock.release()
  clearInterval(alive)
}

const [dir] = process.argv.slice(2)
if (dir === undefined) throw new Error('usage: node dev/keeper.ts FOLDER')
await keep(dir)
