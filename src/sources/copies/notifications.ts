import type { KafkaRecord } from '../../clients/kafka/types.ts'
import { isObject, parseJson } from '../../lib/json.ts'

/** What Debezium has said of one signal so far (3.6: aggregate "Incremental Snapshot"). */
export interface Answer {
  /** Milliseconds since 1970 at which it was last heard of. */
  readonly heardAt: number
  readonly chunks: number
  /** What each scanned table came to: SUCCEEDED, EMPTY, or what went wrong. */
  readonly scanned: ReadonlyMap<string, Scan>
  /** It is over, whatever it came to: it is also sent after an error. */
  readonly over: boolean
}

/** The end of one table's scan. */
export interface Scan {
  readonly status: string
  readonly rows: number
}

/** Statuses after which every row that the table had is in the topic. */
export const isDone = ({ status }: Scan): boolean => status === 'SUCCEEDED' || status === 'EMPTY'

/** What a stretch of the notification topic says. */
export interface Notifications {
  /** By the id of the signal that asked for it. */
  readonly answers: ReadonlyMap<string, Answer>
  /** Offset of the latest start of a task: it tells what became of the first snapshot each time. */
  readonly startedAt: bigint
  /** How often the first snapshot was begun. */
  readonly begun: number
}

/** Nothing was said. */
export const SILENCE: Notifications = { answers: new Map(), startedAt: -1n, begun: 0 }

/** Reads notifications in order; whatever is none of snapshots is left out. */
export function readNotifications(records: readonly KafkaRecord[]): Notifications {
  const answers = new Map<string, Answer>()
  let startedAt = -1n
  let begun = 0
  for (const record of records) {
    const note = noteOf(record)
    if (!note) continue
    if (note.aggregate === 'Initial Snapshot') startedAt = record.offset
    if (note.aggregate === 'Initial Snapshot' && note.type === 'STARTED') begun++
    if (note.aggregate !== 'Incremental Snapshot') continue
    const before = answers.get(note.id) ?? { heardAt: 0, chunks: 0, scanned: new Map(), over: false }
    answers.set(note.id, heard(before, note))
  }
  return { answers, startedAt, begun }
}

interface Note {
  readonly aggregate: string
  readonly id: string
  readonly type: string
  readonly at: number
  readonly data: Readonly<Record<string, unknown>>
}

function heard(before: Answer, { type, at, data }: Note): Answer {
  const answer = { ...before, heardAt: at }
  switch (type) {
    case 'STARTED':
      return { ...answer, over: false }
    case 'IN_PROGRESS':
      return { ...answer, chunks: before.chunks + 1 }
    case 'TABLE_SCAN_COMPLETED': {
      const scan = { status: String(data['status']), rows: Number(data['total_rows_scanned'] ?? 0) }
      return { ...answer, scanned: new Map([...before.scanned, [String(data['scanned_collection']), scan]]) }
    }
    case 'COMPLETED':
    case 'ABORTED':
      return { ...answer, over: true }
    default:
      return answer
  }
}

function noteOf({ value, timestamp }: KafkaRecord): Note | undefined {
  const parsed: unknown = value && parseJson(value.toString())
  if (!isObject(parsed)) return undefined
  const data = parsed['additional_data']
  return {
    aggregate: String(parsed['aggregate_type']),
    id: String(parsed['id']),
    type: String(parsed['type']),
    at: timestamp,
    data: isObject(data) ? data : {},
  }
}
