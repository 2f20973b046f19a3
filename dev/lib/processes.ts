import { readdir, readFile } from 'node:fs/promises'

/** A process as it can be told from a later one that was given the same number. */
export interface ProcessId {
  readonly pid: number
  /** Kernel ticks between the machine's start and the process's. */
  readonly startTicks: number
}

/** The identity of a running process; undefined when there is none, or only its remains. */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return parseStat(pid, stat)
}

/** Reads a line of /proc/<pid>/stat; undefined for a zombie or an unreadable line. */
export function parseStat(pid: number, line: string): ProcessId | undefined {
  // The command's name is in parentheses and may hold anything, so count from the last one.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const startTicks = Number(fields[19])
  return fields[0] === 'Z' || !(startTicks > 0) ? undefined : { pid, startTicks }
}

/** Whether this very process still runs. */
export async function isRunning(process: ProcessId): Promise<boolean> {
  return (await identify(process.pid))?.startTicks === process.startTicks
}

/** The process and everything below it, parents first. */
export async function processTree(pid: number): Promise<readonly ProcessId[]> {
  const self = await identify(pid)
  if (!self) return []
  const children = await childrenOf(pid)
  return [self, ...(await Promise.all(children.map(processTree))).flat()]
}

/** The direct children of a process. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  )
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
}

/** Sends a signal to those of the processes that still run and are still the same. */
export async function signalAll(processes: readonly ProcessId[], signal: NodeJS.Signals): Promise<void> {
  for (const target of processes) if (await isRunning(target)) sendSignal(target.pid, signal)
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Waits until none of the processes runs; false when some still do after `withinMs` milliseconds. */
export async function allGone(processes: readonly ProcessId[], withinMs: number): Promise<boolean> {
  for (const end = Date.now() + withinMs; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const running = await Promise.all(processes.map(isRunning))
    if (!running.includes(true)) return true
    if (Date.now() > end) return false
  }
}
