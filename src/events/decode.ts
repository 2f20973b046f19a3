import { type ChangeEvent, COMMIT_TIME_HEADER } from '../contracts/row.ts'
import type { TopicInput } from '../contracts/workload.ts'
import { isObject } from '../lib/json.ts'
import { messageOf } from '../lib/verdict.ts'
import { debeziumKey } from './key.ts'
import { parseExact, readRow } from './values.ts'

/** A Kafka record, as far as it takes to know what it says. */
export interface RawRecord {
  readonly key: Buffer | undefined
  /** Undefined is a tombstone. */
  readonly value: Buffer | undefined
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly headers: ReadonlyMap<string, Buffer>
}

/** What a record says. */
export type Decoded =
  | {
      readonly type: 'Change'
      readonly event: ChangeEvent
      /** Columns that the source did not send with this change; they are missing in `event.row`. */
      readonly unavailable: readonly string[]
    }
  /** A change of a table without a key: `event.key` is empty and means nothing. */
  | { readonly type: 'Keyless'; readonly event: ChangeEvent; readonly unavailable: readonly string[] }
  /** Debezium writes it after a delete, and after compaction it may be all that is left: the key's row is gone. */
  | { readonly type: 'Tombstone'; readonly key: string; readonly ts: number }
  /** No change of a row: nothing to do, and no error. */
  | {
      readonly type: 'Ignored'
      readonly what: 'Heartbeat' | 'Transaction' | 'Message' | 'Truncate' | 'Schema'
    }
  | { readonly type: 'Unreadable'; readonly message: string }

/** A function that reads an input's records; it never throws. */
export function decoderOf(input: TopicInput): (record: RawRecord) => Decoded {
  const decode = input.format === 'Debezium' ? decodeDebezium : decodeRow
  return (record) => {
    try {
      return decode(record, input)
    } catch (error) {
      return { type: 'Unreadable', message: messageOf(error, 200) }
    }
  }
}

/** A record of one of our own flows: the key string, and the row as JSON; no value means that the row is gone. */
function decodeRow({ key, value, timestamp, headers }: RawRecord, { columns }: TopicInput): Decoded {
  if (!key) return { type: 'Unreadable', message: 'a record without a key' }
  const committed = Number(headers.get(COMMIT_TIME_HEADER)?.toString())
  const at = { key: key.toString(), ts: Number.isFinite(committed) && committed > 0 ? committed : timestamp }
  if (!value) return { type: 'Change', event: { op: 'd', ...at }, unavailable: [] }
  const parsed = parseExact(value.toString(), (whole) => [whole])
  if (!isObject(parsed)) return { type: 'Unreadable', message: 'the value is no JSON object' }
  const { row, unavailable } = readRow(parsed, columns)
  return { type: 'Change', event: { op: 'u', row, ...at }, unavailable }
}

function decodeDebezium({ key, value, timestamp }: RawRecord, input: TopicInput): Decoded {
  if (!value) {
    if (!key) return { type: 'Unreadable', message: 'a tombstone without a key' }
    return { type: 'Tombstone', key: readKey(key, input), ts: timestamp }
  }
  const envelope = payloadOf(parseExact(value.toString(), rowsOf))
  if (!isObject(envelope)) return { type: 'Unreadable', message: 'the value is no JSON object' }
  const op = envelope['op']
  if (op === 'm') return { type: 'Ignored', what: 'Message' }
  if (op === 't') return { type: 'Ignored', what: 'Truncate' }
  if (op !== 'c' && op !== 'u' && op !== 'd' && op !== 'r') return decodeOther(envelope)

  const after = isObject(envelope['after']) ? readRow(envelope['after'], input.columns) : undefined
  if (op !== 'd' && !after) return { type: 'Unreadable', message: `operation ${op} without a row` }
  const before = isObject(envelope['before']) ? readRow(envelope['before'], input.columns).row : undefined
  const event: ChangeEvent = {
    op,
    key: key ? readKey(key, input) : '',
    ...(after && op !== 'd' ? { row: after.row } : {}),
    ...(before ? { before } : {}),
    ts: commitTime(envelope) ?? timestamp,
  }
  return { type: key ? 'Change' : 'Keyless', event, unavailable: after?.unavailable ?? [] }
}

/** What Debezium writes beside changes, told apart by what it is made of. */
function decodeOther(envelope: Record<string, unknown>): Decoded {
  const names = Object.keys(envelope)
  if (names.length === 1 && names[0] === 'ts_ms') return { type: 'Ignored', what: 'Heartbeat' }
  if ((envelope['status'] === 'BEGIN' || envelope['status'] === 'END') && 'id' in envelope) {
    return { type: 'Ignored', what: 'Transaction' }
  }
  if ('ddl' in envelope || 'tableChanges' in envelope) return { type: 'Ignored', what: 'Schema' }
  return { type: 'Unreadable', message: 'the value is no Debezium envelope: it has no "op"' }
}

function readKey(key: Buffer, { key: fields, columns }: TopicInput): string {
  const parsed = payloadOf(parseExact(key.toString(), (whole) => [whole]))
  return debeziumKey(parsed, fields, columns)
}

/** The parts of an envelope whose numbers are the user's. */
function rowsOf(parsed: unknown): readonly unknown[] {
  const envelope = payloadOf(parsed)
  return isObject(envelope) ? [envelope['before'], envelope['after']] : []
}

/** Connect's JSON converter wraps what it writes when schemas are enabled. */
function payloadOf(parsed: unknown): unknown {
  return isObject(parsed) && 'schema' in parsed && 'payload' in parsed && Object.keys(parsed).length === 2
    ? parsed['payload']
    : parsed
}

function commitTime(envelope: Record<string, unknown>): number | undefined {
  const source = envelope['source']
  const committed = isObject(source) ? source['ts_ms'] : undefined
  const written = typeof committed === 'number' && committed > 0 ? committed : envelope['ts_ms']
  return typeof written === 'number' ? written : undefined
}
