import type { History } from '../../lag/board.ts'
import type { Decoded, SlotView } from './queries.ts'

/** A slot's count as it was last seen, and whose it was. */
interface Known {
  readonly life: string
  readonly decoded: Decoded
  readonly remade: boolean
}

const KNOWN = 'decoded'

/**
 * Whether what is counted now is counted for a slot that was made after the one of `before`. Counts of a slot only
 * grow; they go with it, with a crash of the server, and with a reset, which leaves its time. Pure.
 */
export function isOfAnother(before: Decoded, now: Decoded): boolean {
  if (before.since !== now.since) return false
  if (now.resetAt !== '' && now.resetAt !== before.resetAt) return false
  return now.count < before.count || (before.resetAt !== '' && now.resetAt === '')
}

/**
 * Whether the slot is another than at an earlier look of this process in the same life of its Source, and only its name
 * is the same. Once so, it stays so until {@link forgetSlot}.
 */
export function isRemade(history: History, life: string, { decoded }: SlotView): boolean {
  const known = knownOf(history.recall(KNOWN))
  const before = known?.life === life ? known : undefined
  // Whoever logs in anew asks beside the one before, whose last answer may be read later than a newer one.
  if (!decoded || (before && decoded.at <= before.decoded.at)) return before?.remade ?? false
  const remade = before !== undefined && (before.remade || isOfAnother(before.decoded, decoded))
  history.retain(KNOWN, textOf({ life, decoded, remade }))
  return remade
}

/** What comes next is a slot of its own right: no position belongs to the one before. */
export function forgetSlot(history: History): void {
  history.drop(KNOWN)
}

const textOf = ({ life, decoded: { since, resetAt, count, at }, remade }: Known): string =>
  [life, since, resetAt, count, at, remade].join('\n')

function knownOf(text: string | undefined): Known | undefined {
  const [life, since, resetAt, count, at, remade] = text?.split('\n') ?? []
  if (life === undefined || since === undefined || resetAt === undefined) return undefined
  return {
    life,
    decoded: { since, resetAt, count: Number(count), at: Number(at) },
    remade: remade === 'true',
  }
}
