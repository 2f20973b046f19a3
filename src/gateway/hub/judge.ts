import type { ResetReason } from '@penstock/protocol'

import { decodeToken, type Token } from './token.ts'

/** What is known of a partition when a token is judged. */
export interface PartitionFacts {
  readonly position: number
  /** The broker's end; freshly asked for when a token is beyond what was known. */
  readonly end: number
  readonly floor: number
  /** Rows that changed at this offset or later, counted up to a bound. */
  changedSince(offset: number): number
  /** Mode All: whether every event from this offset on is still there. */
  ringCovers(offset: number): boolean
}

/** What a token is judged against. */
export interface ViewFacts {
  readonly epoch: string
  readonly cohort: string
  readonly selector: string
  readonly mode: 'Latest' | 'All'
  /** PerRow: what a client may see depends on the row, and which rows left its sight is not known afterwards. */
  readonly policy: 'Same' | 'PerRow'
  readonly resumeRows: number
  readonly partitions: readonly PartitionFacts[]
}

/** What is done with one partition of a resuming subscription. */
export type PartitionVerdict =
  /** Send what changed since this offset. */
  | { readonly type: 'Continue'; readonly since: number }
  | { readonly type: 'Reset'; readonly reason: ResetReason }
  /** This pod has not read that far: send nothing older than this offset. */
  | { readonly type: 'Hold'; readonly until: number }

/** What is done with a resuming subscription. */
export type Verdict =
  | { readonly type: 'ResetAll'; readonly reason: ResetReason }
  | { readonly type: 'Partitions'; readonly verdicts: readonly PartitionVerdict[] }

/** The table of token verdicts, row by row. */
export function judge(text: string, view: ViewFacts): Verdict {
  const token = decodeToken(text)
  if (!token) return { type: 'ResetAll', reason: 'token' }
  if (token.epoch !== view.epoch) return { type: 'ResetAll', reason: 'epoch' }
  if (token.cohort !== view.cohort) return { type: 'ResetAll', reason: 'claims' }
  if (token.selector !== view.selector || token.offsets.length !== view.partitions.length) {
    return { type: 'ResetAll', reason: 'token' }
  }
  const verdicts = view.partitions.map((partition, index) => judgePartition(token, index, partition, view))
  if (view.mode === 'All') {
    const gap = verdicts.some(({ type }) => type === 'Reset')
    return gap ? { type: 'ResetAll', reason: 'gap' } : { type: 'Partitions', verdicts }
  }
  if (view.policy === 'PerRow') return { type: 'ResetAll', reason: 'policy' }
  return { type: 'Partitions', verdicts }
}

function judgePartition(
  token: Token,
  index: number,
  facts: PartitionFacts,
  view: ViewFacts,
): PartitionVerdict {
  const offset = token.offsets[index] ?? 0
  if (offset > facts.end) return { type: 'Reset', reason: 'ahead' }
  if (view.mode === 'All') {
    if (offset > facts.position) return { type: 'Hold', until: offset }
    return facts.ringCovers(offset) ? { type: 'Continue', since: offset } : { type: 'Reset', reason: 'gap' }
  }
  if (offset < facts.floor) return { type: 'Reset', reason: 'too-old' }
  if (offset > facts.position) return { type: 'Hold', until: offset }
  if (facts.changedSince(offset) > view.resumeRows) return { type: 'Reset', reason: 'too-big' }
  return { type: 'Continue', since: offset }
}

/** Whether a token names an offset beyond what is known to exist, so that the broker should be asked first. */
export function needsFreshEnds(text: string, ends: readonly number[]): boolean {
  return decodeToken(text)?.offsets.some((offset, partition) => offset > (ends[partition] ?? 0)) ?? false
}
