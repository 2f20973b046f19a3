/** Takes one line of news for the person at the terminal. */
export type Progress = (text: string) => void

/** What every step of the local stack works under: where news goes, and what ends it early. */
export interface Run {
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** A progress that writes each line with the seconds since it was made. */
export function createProgress(write: (line: string) => void, now: () => number = Date.now): Progress {
  const start = now()
  return (text) => write(`[${((now() - start) / 1_000).toFixed(1).padStart(6)} s] ${text}\n`)
}

/** A progress on standard error. */
export function terminalProgress(): Progress {
  return createProgress((line) => void process.stderr.write(line))
}
