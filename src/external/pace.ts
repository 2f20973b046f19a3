import type { Answers } from './answers.ts'

/** How many names are asked about in a second: of more, answers are older. */
export interface Pace<V> {
  readonly mostPerSecond: number
  /** No answer gets older than this, however many names a second that takes. */
  readonly oldestMs?: number
  /** What it is answered about is asked about again first: half of `mostPerSecond`, and takes nothing from who must not get older. */
  readonly isPressing?: (answer: V) => boolean
}

/** Of whom the next are chosen. */
export interface Choice<V> {
  readonly wanted: readonly string[]
  readonly answers: Answers<V>
  /** Whether a name is being asked about, or is about to be. */
  readonly isTaken: (name: string) => boolean
  /** How many are about to be asked about. */
  readonly waiting: number
  /** An answer that was asked for after this (ms since 1970) is new enough. */
  readonly since: number
}

const SECOND_MS = 1_000

/** Names to ask about in the next second: without an answer first, then what presses, then what has waited longest. */
export function nextNames<V>(pace: Pace<V>, choice: Choice<V>): readonly string[] {
  const { wanted, answers, isTaken, waiting, since } = choice
  const free = new Set(wanted.filter((name) => !isTaken(name)))
  const unknown = [...free].filter((name) => answers.askedAt(name) === 0)
  const old = [...answers.names()].filter((name) => free.has(name) && answers.askedAt(name) <= since)
  const pressing = old.filter((name) => presses(pace, answers, name)).slice(0, pace.mostPerSecond / 2)
  const needed = pace.oldestMs === undefined ? 0 : Math.ceil((wanted.length * SECOND_MS) / pace.oldestMs)
  const count = Math.max(pace.mostPerSecond, pressing.length + needed) - waiting
  return [...new Set([...unknown, ...pressing, ...old])].slice(0, Math.max(0, count))
}

function presses<V>({ isPressing }: Pace<V>, answers: Answers<V>, name: string): boolean {
  const outcome = answers.latest(name)
  return outcome?.ok === true && outcome.value !== undefined && (isPressing?.(outcome.value) ?? false)
}
