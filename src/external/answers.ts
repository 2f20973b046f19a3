/** What a call about a name came to; undefined: there is no such thing. */
export type Outcome<V> =
  | { readonly ok: true; readonly value: V | undefined }
  | { readonly ok: false; readonly error: unknown }

interface Answer<V> {
  readonly askedAt: number
  readonly endedAt: number
  readonly outcome: Outcome<V>
}

/** Of when an answer must be, ms since 1970. */
export interface Freshness {
  /** Asked for after this, */
  readonly after: number
  /** or failed after this: who waits for an answer in vain does not wait again at once. */
  readonly failedAfter: number
}

/** The latest answer about each name. */
export interface Answers<V> {
  put(name: string, answer: Answer<V>): void
  forget(name: string): void
  /** Those that were asked about longest ago come first. */
  names(): Iterable<string>
  /** Names whose latest answer is an error. */
  failing(): Iterable<string>
  /** 0 where there is no answer. */
  askedAt(name: string): number
  /** Undefined where there is no answer. */
  latest(name: string): Outcome<V> | undefined
  isStale(name: string, needed: Freshness): boolean
  /** What was found of these names; throws the error that the latest call about one of them gave. */
  found(names: readonly string[]): ReadonlyMap<string, V>
}

/** No answers yet. */
export function createAnswers<V>(): Answers<V> {
  const answers = new Map<string, Answer<V>>()
  const failing = new Set<string>()
  return {
    put: (name, answer) => {
      // A map keeps the order in which its keys came.
      answers.delete(name)
      answers.set(name, answer)
      if (answer.outcome.ok) failing.delete(name)
      else failing.add(name)
    },
    forget: (name) => {
      answers.delete(name)
      failing.delete(name)
    },
    names: () => answers.keys(),
    failing: () => failing.values(),
    askedAt: (name) => answers.get(name)?.askedAt ?? 0,
    latest: (name) => answers.get(name)?.outcome,
    isStale: (name, { after, failedAfter }) => {
      const answer = answers.get(name)
      if (!answer) return true
      return answer.askedAt <= after && (answer.outcome.ok || answer.endedAt <= failedAfter)
    },
    found: (names) => {
      const values = new Map<string, V>()
      for (const name of names) {
        const outcome = answers.get(name)?.outcome
        if (outcome?.ok === false) throw outcome.error
        if (outcome?.value !== undefined) values.set(name, outcome.value)
      }
      return values
    },
  }
}
