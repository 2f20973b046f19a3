import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { lastLines, readFrom } from './files.ts'
import { allGone, type ProcessId, processTree, signalAll } from './processes.ts'
import { Fatal, waitUntil } from './wait.ts'

/** A server process of the local stack, which keeps its ports and its data from one start to the next. */
export interface Server {
  readonly name: string
  /** The file that it logs to. */
  readonly log: string
  /** The process number; undefined while it is stopped. */
  readonly pid: number | undefined
  /** Starts it, unless it runs, and waits until it is ready; throws with its last lines when it is not in time. */
  start(signal: AbortSignal): Promise<void>
  /** Ends it in an orderly way, or by force when that takes too long. */
  stop(): Promise<void>
  /** SIGKILL to the server and all its processes, as in a power cut; returns when they are gone. */
  kill(): Promise<void>
  /** SIGSTOP to all its processes: connections stay open, nothing answers. */
  pause(): Promise<void>
  /** Ends a pause. */
  resume(): Promise<void>
}

/** How a server is run. */
export interface ServerSpec {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly cwd: string
  /** Set on top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Runs as this system user, which only root can ask for. */
  readonly user?: string | undefined
  readonly log: string
  readonly ready: {
    readonly withinMs: number
    /** `log` gives what it has logged since this start. */
    readonly probe: (log: () => Promise<string>, signal: AbortSignal) => Promise<boolean>
  }
  readonly stop: { readonly signal: NodeJS.Signals; readonly withinMs: number }
  /** Runs before each start, to clear what a killed predecessor left. */
  readonly prepare?: () => Promise<void>
}

/**
 * A server that is not started yet. Its process dies with the thread that started it, however that ends, so nothing
 * outlives a killed test run.
 */
export function createServer(spec: ServerSpec): Server {
  let child: ChildProcess | undefined
  const current = () => (child && isAlive(child) ? child : undefined)
  const tree = async () => {
    const pid = current()?.pid
    return pid === undefined ? [] : processTree(pid)
  }
  const kill = async () => {
    const running = current()
    await killAll(await tree())
    if (running) await ended(running)
  }

  return {
    name: spec.name,
    log: spec.log,
    get pid() {
      return current()?.pid
    },
    start: async (signal) => {
      if (current()) return
      await spec.prepare?.()
      const since = await sizeOf(spec.log)
      const fresh = await launch(spec)
      child = fresh
      try {
        await waitUntilReady(spec, fresh, since, signal)
      } catch (error) {
        await kill()
        throw error
      }
    },
    stop: async () => {
      const running = current()
      const processes = await tree()
      if (!running) return
      await signalAll(processes, 'SIGCONT')
      running.kill(spec.stop.signal)
      if (!(await allGone(processes, spec.stop.withinMs))) await kill()
      await ended(running)
    },
    kill,
    pause: async () => signalAll(await tree(), 'SIGSTOP'),
    resume: async () => signalAll(await tree(), 'SIGCONT'),
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

// The kernel knows of an end a moment before this process is told.
async function ended(child: ChildProcess): Promise<void> {
  child.ref()
  if (isAlive(child)) await once(child, 'exit')
}

async function killAll(processes: readonly ProcessId[]): Promise<void> {
  await signalAll(processes, 'SIGKILL')
  if (await allGone(processes, 10_000)) return
  throw new Error(
    `processes ${processes.map(({ pid }) => pid).join(', ')} are still there 10 s after SIGKILL`,
  )
}

async function launch(spec: ServerSpec): Promise<ChildProcess> {
  await mkdir(dirname(spec.log), { recursive: true })
  await using log = await open(spec.log, 'a')
  const as = spec.user === undefined ? [] : [`--reuid=${spec.user}`, `--regid=${spec.user}`, '--init-groups']
  const child = spawn('setpriv', [...as, '--pdeathsig', 'KILL', '--', ...spec.command], {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    stdio: ['ignore', log.fd, log.fd],
    // A session of its own: the terminal's Ctrl-C reaches the owner alone, who then stops the servers in order.
    detached: true,
  })
  await once(child, 'spawn')
  child.unref()
  return child
}

async function waitUntilReady(spec: ServerSpec, child: ChildProcess, since: number, signal: AbortSignal) {
  const log = () => readFrom(spec.log, since)
  const probe = async (limit: AbortSignal) => {
    if (!isAlive(child)) throw new Fatal(`${spec.name} ended with ${child.exitCode ?? child.signalCode}`)
    return spec.ready.probe(log, limit)
  }
  try {
    await waitUntil({ what: spec.name, withinMs: spec.ready.withinMs, probe, signal })
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${reason}; the end of ${spec.log}:\n${await lastLines(spec.log, 30)}`)
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

/** Stops servers one after the other, the last one named first; throws the first failure after trying all. */
export async function stopAll(servers: readonly Server[]): Promise<void> {
  await eachReversed(servers, (server) => server.stop())
}

/** Kills servers as `Server.kill` does, the last one named first; throws the first failure after trying all. */
export async function killServers(servers: readonly Server[]): Promise<void> {
  await eachReversed(servers, (server) => server.kill())
}

async function eachReversed(
  servers: readonly Server[],
  end: (server: Server) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  for (const server of servers.toReversed()) await end(server).catch((error) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}
