import type { Freshness } from './answers.ts'
import type { Interest } from './interests.ts'
import { createQuestion, type Question, type StandingQuestion } from './question.ts'

/** A question with one answer, which many objects ask: one call for all of them. */
export interface Poll<T> {
  /** The same key is the same question. */
  readonly key: string
  readonly everyMs: number
  /** Names asked about in a second at most: of more, the answers are older than `everyMs`. */
  readonly mostPerSecond?: number
  /** Which of many alike: polls of one key share what it takes to ask them, and each name has an answer of its own. */
  readonly name?: string
  readonly ask: (signal: AbortSignal, name: string) => Promise<T>
  /** What the one who asks sees of an answer: a change of it wakes that user, and no other. Called with every answer. */
  readonly fingerprint: (answer: T) => string
}

/** Answers that objects share. */
export interface SharedPolls {
  /**
   * The latest answer, or the error that the latest try gave; waits only where there is none yet, or none that was
   * asked for after `after` (ms since 1970). `user` is woken when the answer changes, until it has not asked for 2 h.
   */
  read<T>(poll: Poll<T>, user: string, signal: AbortSignal, after?: number): Promise<T>
  /** As `read`, but with an answer that was asked for, or a failure that came, within the last `maxAgeMs`: for what is just on its way. */
  recent<T>(poll: Poll<T>, user: string, signal: AbortSignal, maxAgeMs: number): Promise<T>
  /** As `read`, of several named things at once; those that are not there are left out. */
  readEach<V>(
    question: Question<V>,
    interest: Interest<V>,
    user: string,
    signal: AbortSignal,
    after?: number,
  ): Promise<ReadonlyMap<string, V>>
  /** This user is gone, and what it had made with it: every answer that it read is asked for anew by the next reader. */
  release(user: string): void
  /**
   * Begins a look of this user; what it returns ends it: an answer that was not read meanwhile is asked for this user no
   * more, and does not wake it. A look that is never ended leaves everything as it was.
   */
  look(user: string): () => void
}

/** The one name in a question that has one answer. */
const ONLY = ''
/** Calls at once about things that are asked about one by one. */
const APART = 8
/** Undefined is an answer too. */
interface Box<T> {
  readonly value: T
}

const askedAfter = (after = Number.NEGATIVE_INFINITY): Freshness => ({
  after,
  failedAfter: Number.POSITIVE_INFINITY,
})

/** Shared polls; `wake` is called with each user of an answer that changed. They stop when the signal aborts. */
export function createSharedPolls(
  { wake, now }: { readonly wake: (user: string) => void; readonly now: () => number },
  signal: AbortSignal,
): SharedPolls {
  const questions = new Map<string, StandingQuestion<unknown>>()
  const readBy = new Map<string, Set<StandingQuestion<unknown>>>()
  let looks = 0
  signal.addEventListener('abort', () => {
    for (const question of questions.values()) question.stop()
    questions.clear()
  })
  const standing = (question: Question<unknown>): StandingQuestion<unknown> => {
    const known = questions.get(question.key)
    if (known) return known
    // One that has ended may be told so again when another stands in its place.
    const onUnused = () => {
      if (questions.get(question.key) === made) questions.delete(question.key)
    }
    const made: StandingQuestion<unknown> = createQuestion(question, { wake, now, onUnused }, signal)
    questions.set(question.key, made)
    return made
  }
  const readNamed = async <V>(
    question: Question<V>,
    interest: Interest<V>,
    user: string,
    asked: AbortSignal,
    age: Freshness,
  ): Promise<ReadonlyMap<string, V>> => {
    // Whoever still works when all ends would begin a question that nobody stops.
    signal.throwIfAborted()
    const made = standing(question as Question<unknown>)
    readBy.set(user, (readBy.get(user) ?? new Set()).add(made))
    const found = await made.read(question as Question<unknown>, user, interest as Interest<unknown>, asked, {
      look: looks,
      ...age,
    })
    return found as ReadonlyMap<string, V>
  }
  const readOnly = async <T>(
    { key, everyMs, mostPerSecond, name = ONLY, ask, fingerprint }: Poll<T>,
    user: string,
    asked: AbortSignal,
    age: Freshness,
  ): Promise<T> => {
    const question: Question<Box<T>> = {
      ...{ key, everyMs, ...(name === ONLY ? {} : { apart: APART }) },
      ...(mostPerSecond === undefined ? {} : { pace: { mostPerSecond } }),
      ask: async ([one = ONLY], limit) => new Map([[one, { value: await ask(limit, one) }]]),
    }
    const only = (found: ReadonlyMap<string, Box<T>>): T => {
      const box = found.get(name)
      if (!box) throw new TypeError('a question that has ended leaves an answer')
      return box.value
    }
    const interest: Interest<Box<T>> = { names: [name], fingerprint: (found) => fingerprint(only(found)) }
    return only(await readNamed(question, interest, user, asked, age))
  }

  return {
    read: (poll, user, asked, after) => readOnly(poll, user, asked, askedAfter(after)),
    readEach: (question, interest, user, asked, after) =>
      readNamed(question, interest, user, asked, askedAfter(after)),
    recent: (poll, user, asked, maxAgeMs) => {
      const since = now() - maxAgeMs
      return readOnly(poll, user, asked, { after: since, failedAfter: since })
    },
    release: (user) => {
      for (const question of readBy.get(user) ?? []) question.release(user)
      readBy.delete(user)
    },
    look: (user) => {
      const look = ++looks
      return () => {
        const read = readBy.get(user)
        for (const question of read ?? []) if (!question.dropUnread(user, look)) read?.delete(question)
      }
    },
  }
}
