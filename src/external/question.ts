import { within } from '../lib/time.ts'
import { messageOf } from '../lib/verdict.ts'
import { createInterests, type HeldInterest, type Interest } from './interests.ts'
import { createLanes } from './lanes.ts'

/** A question to an outer system about things that it knows by name: one call for all who ask. */
export interface Question<V> {
  /** The same key is the same question. */
  readonly key: string
  readonly everyMs: number
  /** Names asked about in a second at most: of more, the answers are older than `everyMs`. */
  readonly mostPerSecond?: number
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

/** In which look something is read, and of when the answer must be, ms since 1970. */
export interface ReadAt {
  readonly look: number
  /** Asked for after this, */
  readonly after: number
  /** or failed after this: who waits for an answer in vain does not wait again at once. */
  readonly failedAfter: number
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
/** The lane of names that are asked about together. */
const TOGETHER = ''
/** Names in one call. */
const MOST_AT_ONCE = 1_000

type Outcome<V> =
  | { readonly ok: true; readonly value: V | undefined }
  | { readonly ok: false; readonly error: unknown }

interface Answer<V> {
  readonly askedAt: number
  readonly endedAt: number
  readonly outcome: Outcome<V>
}

/** Asks a question for all who want to know, at once where there is no answer yet and then every `everyMs`. */
export function createQuestion<V>(
  first: Question<V>,
  context: QuestionContext,
  signal: AbortSignal,
): StandingQuestion<V> {
  const { now } = context
  const answers = new Map<string, Answer<V>>()
  /** Those of the answers that are errors. */
  const failing = new Set<string>()
  const held = createInterests<V>()
  let question = first
  let round: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined

  const ask = async (names: readonly string[]): Promise<void> => {
    const askedAt = now()
    const outcomeOf = await outcomes(question, names, signal)
    const endedAt = now()
    for (const name of names) {
      const outcome = outcomeOf(name)
      answers.set(name, { askedAt, endedAt, outcome })
      if (outcome.ok) failing.delete(name)
      else failing.add(name)
    }
    for (const interest of held.inAnyOf(names)) tell(interest, answers, context.wake)
    if (question.everyMs > RETRY_MS && [...failing].some(held.isWanted))
      retry ??= setTimeout(tryAgain, RETRY_MS)
  }
  const lanes = createLanes(ask)
  const tryAgain = () => {
    retry = undefined
    void askRound([...failing].filter(held.isWanted))
  }
  const laneOf = (name: string) => (question.apart === undefined ? TOGETHER : name)
  /** Asks about these names in calls that begin after now, together with whoever else waits for them. */
  const enqueue = (names: readonly string[]): Promise<unknown> =>
    Promise.all([...Map.groupBy(names, laneOf)].map(([lane, some]) => lanes.add(lane, some)))
  /** Nobody waits for these. */
  const askRound = async (names: readonly string[]): Promise<void> => {
    const left = names.values()
    const work = async () => {
      for (const name of left) await enqueue([name])
    }
    await (question.apart === undefined
      ? enqueue(names)
      : Promise.all(Array.from({ length: question.apart }, work)))
  }
  const forget = (name: string) => {
    answers.delete(name)
    failing.delete(name)
  }
  const stop = () => {
    clearInterval(timer)
    clearTimeout(retry)
    held.clear()
  }
  const end = () => {
    stop()
    context.onUnused()
  }
  const timer = setInterval(() => {
    held.dropBefore(now() - UNUSED_MS)
    for (const name of answers.keys()) if (!held.isWanted(name)) forget(name)
    if (held.size() === 0) return end()
    // A round that is not over yet goes on before another begins.
    if (round) return
    round = askRound(due()).finally(() => {
      round = undefined
    })
  }, first.everyMs)
  /** Names whose turn it is: all, or of more than may be asked about the ones that have waited longest. */
  const due = (): readonly string[] => {
    const most = ((question.mostPerSecond ?? Number.POSITIVE_INFINITY) * question.everyMs) / 1_000
    const wanted = [...held.wanted()]
    if (wanted.length <= most) return wanted
    const askedAt = (name: string) => answers.get(name)?.askedAt ?? 0
    return wanted.sort((a, b) => askedAt(a) - askedAt(b)).slice(0, most)
  }

  return {
    read: async (asked, user, { names, fingerprint }, callSignal, { look, after, failedAfter }) => {
      question = asked
      const id = [user, ...names].join('\n')
      const seen = held.get(id)?.seen
      const interest: HeldInterest<V> = { user, names, fingerprint, at: now(), look, seen }
      held.put(id, interest)
      const stale = () => names.filter((name) => isStale(answers.get(name), after, failedAfter))
      if (stale().length > 0) {
        callSignal.throwIfAborted()
        interest.seen = undefined
        // A call on its way may have begun before `after`; whatever begins from here on did not.
        await Promise.all(stale().flatMap((name) => lanes.running(laneOf(name)) ?? []))
        const left = stale()
        if (left.length > 0) await enqueue(left)
      }
      interest.seen = sightOf(interest, answers)
      return found(interest, answers)
    },
    release: (user) => {
      for (const { names } of held.dropOf(user)) for (const name of names) forget(name)
    },
    dropUnread: (user, look) => {
      const reads = held.dropUnread(user, look)
      if (held.size() === 0) end()
      return reads
    },
    stop,
  }
}

function isStale<V>(answer: Answer<V> | undefined, after: number, failedAfter: number): boolean {
  if (!answer) return true
  return answer.askedAt <= after && (answer.outcome.ok || answer.endedAt <= failedAfter)
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

/** What was found of an interest's names; throws the error that the latest call about one of them gave. */
function found<V>({ names }: Interest<V>, answers: ReadonlyMap<string, Answer<V>>): ReadonlyMap<string, V> {
  const values = new Map<string, V>()
  for (const name of names) {
    const outcome = answers.get(name)?.outcome
    if (outcome?.ok === false) throw outcome.error
    if (outcome?.value !== undefined) values.set(name, outcome.value)
  }
  return values
}

function sightOf<V>(interest: Interest<V>, answers: ReadonlyMap<string, Answer<V>>): string {
  try {
    return interest.fingerprint(found(interest, answers))
  } catch (error) {
    return `error ${messageOf(error)}`
  }
}

function tell<V>(
  interest: HeldInterest<V>,
  answers: ReadonlyMap<string, Answer<V>>,
  wake: (user: string) => void,
): void {
  const sight = sightOf(interest, answers)
  if (sight === interest.seen) return
  const before = interest.seen
  interest.seen = sight
  if (before !== undefined) wake(interest.user)
}
