import { within } from '../lib/time.ts'
import { messageOf } from '../lib/verdict.ts'
import { type Answers, createAnswers, type Freshness, type Outcome } from './answers.ts'
import { createInterests, type HeldInterest, type Interest } from './interests.ts'
import { createLanes } from './lanes.ts'
import { nextNames, type Pace } from './pace.ts'
import { createTurns } from './turns.ts'

/** A question to an outer system about things that it knows by name: one call for all who ask. */
export interface Question<V> {
  /** The same key is the same question. */
  readonly key: string
  readonly everyMs: number
  /** Where many names are not all asked about every `everyMs`. */
  readonly pace?: Pace<V>
  /**
   * Each name is asked about in a call of its own, which holds up nobody who asks about another; this many at once where
   * nobody waits. By default, names are asked about together.
   */
  readonly apart?: number
  /** What is not there is left out of the answer. */
  readonly ask: (names: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, V>>
}

/** A question that is asked again and again for as long as somebody wants to know. */
export interface StandingQuestion<V> {
  /** See SharedPolls.readEach; from now on it is asked as `question` says, which may know a newer client. */
  read(
    question: Question<V>,
    user: string,
    interest: Interest<V>,
    signal: AbortSignal,
    at: ReadAt,
  ): Promise<ReadonlyMap<string, V>>
  /** This user is gone: it is not woken any more, and what it asked about is asked anew by the next reader. */
  release(user: string): void
  /** What this user has not read since that look began is asked for it no more; whether it reads anything still. */
  dropUnread(user: string, look: number): boolean
  stop(): void
}

/** In which look something is read, and of when the answer must be. */
export interface ReadAt extends Freshness {
  readonly look: number
}

/** Surroundings of a standing question. */
export interface QuestionContext {
  readonly wake: (user: string) => void
  readonly now: () => number
  /** Called when nobody has read for long: the question has stopped. */
  readonly onUnused: () => void
}

/** An interest is dropped when its user has not read for this long; a user that lives looks more often. */
const UNUSED_MS = 7_200_000
const ASK_LIMIT_MS = 15_000
/** An error is no answer to live with until the next round. */
const RETRY_MS = 5_000
const SECOND_MS = 1_000
/** The lane of names that are asked about together. */
const TOGETHER = ''
/** Names in one call. */
const MOST_AT_ONCE = 1_000

/** Asks a question for all who want to know, at once where there is no answer yet and then every `everyMs`. */
export function createQuestion<V>(
  first: Question<V>,
  context: QuestionContext,
  signal: AbortSignal,
): StandingQuestion<V> {
  const { now } = context
  // What is bounded by the second is asked by the second: in one go, it would hold up everything else.
  const tickMs = first.pace ? Math.min(first.everyMs, SECOND_MS) : first.everyMs
  const answers = createAnswers<V>()
  const held = createInterests<V>()
  let question = first
  let isInRound = false
  let retry: NodeJS.Timeout | undefined

  const ask = async (names: readonly string[]): Promise<void> => {
    const askedAt = now()
    const outcomeOf = await outcomes(question, names, signal)
    const endedAt = now()
    for (const name of names) answers.put(name, { askedAt, endedAt, outcome: outcomeOf(name) })
    for (const interest of held.inAnyOf(names)) tell(interest, answers, context.wake)
    if (question.everyMs > RETRY_MS && [...answers.failing()].some(held.isWanted))
      retry ??= setTimeout(tryAgain, RETRY_MS)
  }
  const lanes = createLanes(ask)
  const tryAgain = () => {
    retry = undefined
    askAgain([...answers.failing()].filter(held.isWanted))
  }
  const laneOf = (name: string) => (question.apart === undefined ? TOGETHER : name)
  /** Asks about these names in calls that begin after now, together with whoever else waits for them. */
  const enqueue = (names: readonly string[]): Promise<unknown> =>
    Promise.all([...Map.groupBy(names, laneOf)].map(([lane, some]) => lanes.add(lane, some)))
  const turns = createTurns(first.apart ?? 0, (name) => enqueue([name]))
  /** Nobody waits for these. */
  const askAgain = (names: readonly string[]): void => {
    if (question.apart !== undefined) turns.add(names)
    // A round that is not over yet goes on before another begins.
    else if (!isInRound) {
      isInRound = true
      void enqueue(names).then(() => {
        isInRound = false
      })
    }
  }
  const stop = () => {
    clearInterval(timer)
    clearTimeout(retry)
    turns.clear()
    held.clear()
  }
  const end = () => {
    stop()
    context.onUnused()
  }
  const timer = setInterval(() => {
    held.dropBefore(now() - UNUSED_MS)
    for (const name of answers.names()) if (!held.isWanted(name)) answers.forget(name)
    if (held.size() === 0) return end()
    const { pace, everyMs } = question
    const wanted = [...held.wanted()]
    const choice = { wanted, answers, isTaken: turns.has, waiting: turns.waiting, since: now() - everyMs }
    askAgain(pace ? nextNames(pace, choice) : wanted)
  }, tickMs)

  return {
    read: async (asked, user, { names, fingerprint }, callSignal, { look, after, failedAfter }) => {
      question = asked
      const id = [user, ...names].join('\n')
      const seen = held.get(id)?.seen
      const interest: HeldInterest<V> = { user, names, fingerprint, at: now(), look, seen }
      held.put(id, interest)
      const stale = () => names.filter((name) => answers.isStale(name, { after, failedAfter }))
      if (stale().length > 0) {
        callSignal.throwIfAborted()
        interest.seen = undefined
        // A call on its way may have begun before `after`; whatever begins from here on did not.
        await Promise.all(stale().flatMap((name) => lanes.running(laneOf(name)) ?? []))
        const left = stale()
        if (left.length > 0) await enqueue(left)
      }
      interest.seen = sightOf(interest, answers)
      return answers.found(names)
    },
    release: (user) => {
      for (const { names } of held.dropOf(user)) for (const name of names) answers.forget(name)
    },
    dropUnread: (user, look) => {
      const reads = held.dropUnread(user, look)
      if (held.size() === 0) end()
      return reads
    },
    stop,
  }
}

async function outcomes<V>(
  { ask }: Question<V>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<(name: string) => Outcome<V>> {
  const answers = new Map<string, V>()
  try {
    for (let from = 0; from < names.length; from += MOST_AT_ONCE) {
      const some = names.slice(from, from + MOST_AT_ONCE)
      const found = await within(ASK_LIMIT_MS, signal, (limited) => ask(some, limited))
      for (const [name, value] of found) answers.set(name, value)
    }
    return (name) => ({ ok: true, value: answers.get(name) })
  } catch (error) {
    return () => ({ ok: false, error })
  }
}

function sightOf<V>(interest: Interest<V>, answers: Answers<V>): string {
  try {
    return interest.fingerprint(answers.found(interest.names))
  } catch (error) {
    return `error ${messageOf(error)}`
  }
}

function tell<V>(interest: HeldInterest<V>, answers: Answers<V>, wake: (user: string) => void): void {
  const sight = sightOf(interest, answers)
  if (sight === interest.seen) return
  const before = interest.seen
  interest.seen = sight
  if (before !== undefined) wake(interest.user)
}
