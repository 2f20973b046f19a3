import { messageOf } from '../lib/verdict.ts'

/** A question to an outer system that many objects ask: one call for all of them. */
export interface Poll<T> {
  /** The same key is the same question. */
  readonly key: string
  readonly everyMs: number
  readonly ask: (signal: AbortSignal) => Promise<T>
  /** What the one who asks takes for another answer; a change of it wakes that user, and no other. */
  readonly fingerprint: (answer: T) => string
}

/** Answers that objects share. */
export interface SharedPolls {
  /**
   * The latest answer, or the error that the latest try gave; waits only where there is none yet, or none that was
   * asked for after `after` (ms since 1970). `user` is woken when the answer changes, until it has not asked for 10 min.
   */
  read<T>(poll: Poll<T>, user: string, signal: AbortSignal, after?: number): Promise<T>
  /** As `read`, but with an answer that was asked for within the last `maxAgeMs`: for what is just on its way. */
  recent<T>(poll: Poll<T>, user: string, signal: AbortSignal, maxAgeMs: number): Promise<T>
  /** This user is gone, and what it had made with it: every answer that it read is asked for anew by the next reader. */
  release(user: string): void
}

/** An answer is dropped, and no longer asked for, when nobody has read it for this long. */
const UNUSED_MS = 600_000
const ASK_LIMIT_MS = 15_000
/** An error is no answer to live with until the next round. */
const RETRY_MS = 5_000

/** One who asks: when it last did, and how it tells answers apart. */
interface User {
  readonly at: number
  readonly fingerprint: (answer: Entry['answer']) => string
}

interface Entry {
  poll: Poll<unknown>
  askedAt: number
  /** Answers that were asked for earlier no longer count. */
  validFrom: number
  answer:
    | { readonly ok: true; readonly value: unknown }
    | { readonly ok: false; readonly error: unknown }
    | undefined
  inFlight: Promise<void> | undefined
  usedAt: number
  readonly users: Map<string, User>
  readonly timer: NodeJS.Timeout
  retry: NodeJS.Timeout | undefined
}

/** Shared polls; `wake` is called with each user of an answer that changed. They stop when the signal aborts. */
export function createSharedPolls(
  options: { readonly wake: (user: string) => void; readonly now: () => number },
  signal: AbortSignal,
): SharedPolls {
  const { now, wake } = options
  const entries = new Map<string, Entry>()
  signal.addEventListener('abort', () => {
    for (const entry of entries.values()) drop(entry)
  })
  const drop = (entry: Entry): void => {
    clearInterval(entry.timer)
    clearTimeout(entry.retry)
    entries.delete(entry.poll.key)
  }

  const ask = async (entry: Entry): Promise<void> => {
    const askedAt = now()
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_LIMIT_MS)])
    const before = entry.answer
    const answer: NonNullable<Entry['answer']> = await entry.poll.ask(limit).then(
      (value) => ({ ok: true, value }),
      (error: unknown) => ({ ok: false, error }),
    )
    Object.assign(entry, { askedAt, answer })
    clearTimeout(entry.retry)
    if (!answer.ok && entry.poll.everyMs > RETRY_MS && entries.get(entry.poll.key) === entry)
      entry.retry = setTimeout(() => void refresh(entry), RETRY_MS)
    if (before === undefined) return
    for (const [user, { fingerprint }] of entry.users)
      if (fingerprint(before) !== fingerprint(answer)) wake(user)
  }
  const refresh = (entry: Entry): Promise<void> => {
    entry.inFlight ??= ask(entry).finally(() => {
      entry.inFlight = undefined
    })
    return entry.inFlight
  }
  const tick = (entry: Entry) => {
    for (const [user, { at }] of entry.users) if (now() - at > UNUSED_MS) entry.users.delete(user)
    if (now() - entry.usedAt < UNUSED_MS) return void refresh(entry)
    drop(entry)
  }
  const entryOf = (poll: Poll<unknown>): Entry => {
    const known = entries.get(poll.key)
    if (known) return Object.assign(known, { poll })
    const entry: Entry = {
      poll,
      askedAt: Number.NEGATIVE_INFINITY,
      validFrom: Number.NEGATIVE_INFINITY,
      answer: undefined,
      inFlight: undefined,
      usedAt: now(),
      users: new Map(),
      timer: setInterval(() => tick(entry), poll.everyMs),
      retry: undefined,
    }
    entries.set(poll.key, entry)
    return entry
  }

  const read = async <T>(
    poll: Poll<T>,
    user: string,
    callSignal: AbortSignal,
    after = Number.NEGATIVE_INFINITY,
  ) => {
    const entry = entryOf(poll as Poll<unknown>)
    entry.usedAt = now()
    entry.users.set(user, { at: now(), fingerprint: fingerprintOf(poll) })
    const isStale = () => entry.answer === undefined || entry.askedAt <= Math.max(after, entry.validFrom)
    if (isStale()) {
      callSignal.throwIfAborted()
      // A question on its way may have begun before `after`; whatever begins from here on did not.
      const onItsWay = entry.inFlight
      await onItsWay
      if (!onItsWay || isStale()) await refresh(entry)
    }
    if (!entry.answer) throw new TypeError('a question that has ended leaves an answer')
    if (entry.answer.ok) return entry.answer.value as T
    throw entry.answer.error
  }

  return {
    read,
    recent: (poll, user, callSignal, maxAgeMs) => read(poll, user, callSignal, now() - maxAgeMs),
    release: (user) => {
      for (const entry of entries.values()) if (entry.users.delete(user)) entry.validFrom = now()
    },
  }
}

function fingerprintOf<T>(poll: Poll<T>): User['fingerprint'] {
  return (answer) => {
    if (!answer) return ''
    return answer.ok ? poll.fingerprint(answer.value as T) : `error ${messageOf(answer.error)}`
  }
}
