import type { KafkaRecord, OutgoingRecord } from '../../clients/kafka/types.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import type { Relation } from './relation.ts'

/** What the topic of copies says of one table: how far its rows, as they were before the stream, have come. */
export interface TableRecord {
  readonly table: string
  readonly state: 'Copying' | 'Copied'
  /** With the connector's first snapshot, or by a signal to the connector as it runs. */
  readonly by: 'Initial' | 'Signal'
  /** Counts the copies of this table that were begun. */
  readonly copy: number
  /** uid of the Source that began it. */
  readonly life: string
  /** When it was begun, milliseconds since 1970. */
  readonly begunAt: number
  /** The connector must have started anew since: offset in the notification topic after which it says so. */
  readonly startsAfter?: string
  /** Why it is copied, for a person. */
  readonly why: string
  /** What the table was made of before the copy began. */
  readonly relation: Relation
  /** Where each partition of its topic ended before the copy began: what is older and not in the copy is swept. Empty: nothing to sweep. */
  readonly ends: readonly string[]
  /** The signal that asked for it; absent until it was sent. */
  readonly signal?: SentSignal
  /** A try that failed is not repeated before this, milliseconds since 1970. */
  readonly notBefore?: number
}

/** A signal as it was sent, and how far its notifications were read. */
export interface SentSignal {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Offset in the notification topic from which on it is answered. */
  readonly from: string
  /** Chunks that were copied before that offset. */
  readonly chunks: number
}

/** The latest record of each table, by its name. */
export type TableRecords = ReadonlyMap<string, TableRecord>

/** The records of a scan of the topic, in order; what cannot be read is left out. */
export function readRecords(records: readonly KafkaRecord[]): TableRecords {
  const tables = new Map<string, TableRecord>()
  for (const { key, value } of records) {
    if (!key) continue
    const table = key.toString()
    const parsed = value && parseRecord(value.toString())
    if (parsed) tables.set(table, { ...parsed, table })
    else tables.delete(table)
  }
  return tables
}

/** A record as it is written: the topic is compacted, and the table is its key. */
export function outgoing(topic: string, record: TableRecord): OutgoingRecord {
  const { table, ...value } = record
  return { topic, partition: 0, key: Buffer.from(table), value: Buffer.from(JSON.stringify(value)) }
}

function parseRecord(text: string): Omit<TableRecord, 'table'> | undefined {
  const value: unknown = parseJson(text)
  return isObject(value) && isObject(value['relation']) && typeof value['copy'] === 'number'
    ? (value as unknown as Omit<TableRecord, 'table'>)
    : undefined
}
