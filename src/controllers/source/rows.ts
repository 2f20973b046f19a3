import { kafkaVerdict, writtenQuestion } from '../../external/topics.ts'
import type { History } from '../../lag/board.ts'
import { Waiting } from '../../lib/verdict.ts'
import type { Services } from '../services.ts'
import type { OpenSource } from './open.ts'

/** A rate over less says little. */
const RATE_SPAN_MS = 8_000

/**
 * Keeps on the board how many records a Source writes a second and when it last wrote one, from now on for as long as
 * somebody looks at it. Nobody is woken by it; where Kafka does not answer, conditions say so.
 */
export async function followRows(
  { polls, board, now }: Services,
  { user, kafka }: Pick<OpenSource, 'user' | 'kafka'>,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const fingerprint = (found: ReadonlyMap<string, bigint>) => {
    noteWritten(
      board.of(user),
      [...found.values()].reduce((sum, end) => sum + end, 0n),
      now(),
    )
    return ''
  }
  const question = writtenQuestion(kafka.address, kafka.admin)
  try {
    await polls.readEach(question, { names: topics, fingerprint }, user, signal).catch(kafkaVerdict)
  } catch (error) {
    if (!(error instanceof Waiting)) throw error
  }
}

/** Takes a look at how many records were ever written, at this time in milliseconds since 1970. */
export function noteWritten(history: History, written: bigint, now: number): void {
  const total = Number(written)
  const before = history.latest('written')
  // Topics have gone, or were made anew.
  if (before !== undefined && total < before) history.drop('written')
  history.record('written', total)
  const rate = history.perSecond('written', RATE_SPAN_MS)
  if (rate !== undefined) history.record('rowsPerSecond', rate)
  const event = before !== undefined && total > before ? now / 1_000 : history.latest('lastEvent')
  if (event !== undefined) history.record('lastEvent', event)
}
