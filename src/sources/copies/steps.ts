import { hashOf } from '../../lib/json.ts'
import { isDone, type Notifications } from './notifications.ts'
import type { TableRecord, TableRecords } from './record.ts'
import { type Relation, relationChange } from './relation.ts'

/** What has to be done next for the copies of a Source's tables. */
export type Step =
  /** It is captured and stands in no record: it was there when records began. */
  | { readonly type: 'Adopt'; readonly table: string; readonly relation: Relation }
  /** New columns, all null, or a first place in the publication: the record follows. */
  | { readonly type: 'Extend'; readonly record: TableRecord; readonly relation: Relation }
  /** It is no longer what was copied. */
  | { readonly type: 'Begin'; readonly table: string; readonly why: string; readonly relation: Relation }
  /** Ask the connector, for these tables together. */
  | { readonly type: 'Signal'; readonly id: string; readonly records: readonly TableRecord[] }
  /** Every row is in the topic: sweep, and record it as copied. */
  | { readonly type: 'Settle'; readonly record: TableRecord; readonly sweep: Sweeping }
  | { readonly type: 'Retry'; readonly record: TableRecord; readonly status: string }

/**
 * What of a topic may tell of rows that are gone. Older: what was there before the copy. All: also the copy, which was
 * begun more than once, so that a row that went between two beginnings is in it and no delete of it is.
 */
export type Sweeping = 'Nothing' | 'Older' | 'All'

/** What the copies of a Source's tables are judged by. */
export interface CopiesSeen {
  /** Tables that are wanted and that the connector captures. */
  readonly tables: readonly string[]
  readonly records: TableRecords
  readonly relations: ReadonlyMap<string, Relation>
  readonly notifications: Notifications
  /** The connector runs and its first snapshot is over: only then it answers signals. */
  readonly streaming: boolean
  readonly now: number
}

/** A signal that raced with the start of a task is lost; sent again, it does no harm. */
const UNHEARD_MS = 8_000
/** A task that was to start anew has done so by then, whether it said so or not. */
const START_MS = 20_000
/** A connector that says nothing for so long has lost it. */
const SILENT_MS = 600_000

/** What has to be done next; empty while there is nothing to do but wait. Pure. */
export function nextSteps(seen: CopiesSeen): readonly Step[] {
  if (!seen.streaming) return []
  const own = seen.tables.flatMap((table) => stepsOf(seen, table))
  const signal = signalStep(seen)
  return signal ? [...own, signal] : own
}

function stepsOf({ records, relations, notifications }: CopiesSeen, table: string): readonly Step[] {
  const record = records.get(table)
  const relation = relations.get(table)
  if (!record) return relation ? [{ type: 'Adopt', table, relation }] : []
  if (record.state === 'Copied') {
    const change = relation ? relationChange(record.relation, relation) : undefined
    if (!relation || !change || change.type === 'Same') return []
    return change.type === 'Extended'
      ? [{ type: 'Extend', record, relation }]
      : [{ type: 'Begin', table, why: change.why, relation }]
  }
  const settle: Step = {
    type: 'Settle',
    record: { ...record, relation: placed(record.relation, relation) },
    sweep: sweepingOf(record, notifications),
  }
  if (record.by === 'Initial') return [settle]
  const answer = record.signal && notifications.answers.get(record.signal.id)
  const scan = answer?.scanned.get(table)
  if (scan && isDone(scan)) return [settle]
  if (scan) return [{ type: 'Retry', record, status: scan.status }]
  return answer?.over ? [{ type: 'Retry', record, status: 'no word of the table' }] : []
}

function sweepingOf({ by, ends }: TableRecord, { begun }: Notifications): Sweeping {
  if (by === 'Initial' && begun > 1) return 'All'
  return ends.length > 0 ? 'Older' : 'Nothing'
}

/** A table gets its place in the publication only after its copy was recorded as wanted. */
const placed = (copied: Relation, now: Relation | undefined): Relation =>
  now?.membership && !copied.membership ? { ...copied, membership: now.membership } : copied

/** One signal at a time: Debezium's notifications carry the id of the latest. */
function signalStep({ tables, records, notifications, now }: CopiesSeen): Step | undefined {
  const { answers } = notifications
  const waiting = tables
    .flatMap((table) => records.get(table) ?? [])
    .filter(({ state, by }) => state === 'Copying' && by === 'Signal')
  const asked = waiting.filter(({ signal }) => signal && !answers.get(signal.id)?.over)
  const [first] = asked
  if (first?.signal) {
    const { id, at } = first.signal
    const answer = answers.get(id)
    const lost = answer ? now - Math.max(at, answer.heardAt) > SILENT_MS : now - at > UNHEARD_MS
    return lost ? { type: 'Signal', id, records: asked.filter(({ signal }) => signal?.id === id) } : undefined
  }
  const due = waiting.filter((record) => !record.signal && isDue(record, notifications, now))
  return due.length > 0 ? { type: 'Signal', id: idOf(due), records: due } : undefined
}

/** The task that captures the table must be the one that takes the signal. */
function isDue(
  { notBefore = 0, begunAt, startsAfter }: TableRecord,
  { startedAt }: Notifications,
  now: number,
): boolean {
  const started = startsAfter === undefined || startedAt >= BigInt(startsAfter) || now - begunAt > START_MS
  return started && notBefore <= now
}

/** The same for the same copies, so that a signal that is sent again is known again. */
const idOf = (records: readonly TableRecord[]): string =>
  `penstock-${hashOf(records.map(({ table, copy, relation }) => [table, copy, relation.oid]).sort())}`

/** Tables whose rows have still to be recorded as wanted before the connector captures them. Pure. */
export function unrecorded(
  tables: readonly string[],
  captured: readonly string[] | undefined,
  records: TableRecords,
  { life, added }: { readonly life: string; readonly added: TableRecord['by'] },
): readonly string[] {
  const by = captured ? added : 'Initial'
  return tables.filter((table) => {
    if (captured?.includes(table)) return false
    const record = records.get(table)
    return record?.state !== 'Copying' || record.by !== by || (!captured && record.life !== life)
  })
}
