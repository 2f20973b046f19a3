import type { KafkaRecord } from './types.ts'

/** A record batch as a fetch returns it, as far as reading committed records needs it (KIP-98). */
export interface FetchedBatch {
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly attributes: number
  readonly firstTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly records: readonly {
    readonly offsetDelta: number
    readonly timestampDelta: bigint
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: readonly (readonly [Buffer | null, Buffer | null])[]
  }[]
}

/** One partition of a fetch response. */
export interface FetchedPartition {
  readonly abortedTransactions:
    | readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]
    | null
  readonly records?: readonly FetchedBatch[] | null
}

const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const ABORT_MARKER = 0

/**
 * The committed records at or after `from`, and the offset at which the next fetch starts: beyond markers, aborted
 * records and holes that compaction left. This is the rule of Java's consumer; @platformatic/kafka 2.12.1 by itself
 * delivers aborted records when a response holds several transactions of a producer or only a part of one.
 */
export function committedRecords(
  fetched: FetchedPartition,
  from: bigint,
): { readonly records: readonly KafkaRecord[]; readonly next: bigint } {
  // The broker lists every aborted transaction that overlaps the range, so the set starts empty each time.
  const pending = [...(fetched.abortedTransactions ?? [])].sort((a, b) =>
    a.firstOffset < b.firstOffset ? -1 : 1,
  )
  const aborted = new Set<bigint>()
  const records: KafkaRecord[] = []
  let next = from
  for (const batch of fetched.records ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    for (let head = pending[0]; head && head.firstOffset <= last; head = pending[0]) {
      aborted.add(head.producerId)
      pending.shift()
    }
    if (batch.attributes & CONTROL) {
      if (markerType(batch) === ABORT_MARKER) aborted.delete(batch.producerId)
    } else if (!(batch.attributes & TRANSACTIONAL && aborted.has(batch.producerId))) {
      appendRecords(records, batch, from)
    }
    if (last >= next) next = last + 1n
  }
  return { records, next }
}

/** A marker's key is a version and a type, two bytes each; a batch that compaction emptied has none. */
function markerType(batch: FetchedBatch): number | undefined {
  const key = batch.records[0]?.key
  return key && key.length >= 4 ? key.readInt16BE(2) : undefined
}

function appendRecords(into: KafkaRecord[], batch: FetchedBatch, from: bigint): void {
  for (const record of batch.records) {
    const offset = batch.firstOffset + BigInt(record.offsetDelta)
    if (offset < from) continue
    const time =
      batch.attributes & LOG_APPEND_TIME ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta
    into.push({
      key: record.key ?? undefined,
      value: record.value ?? undefined,
      offset,
      timestamp: Number(time),
      headers: headersOf(record.headers),
    })
  }
}

/** Shared by all records without headers. */
const NO_HEADERS: ReadonlyMap<string, Buffer> = new Map()

function headersOf(
  entries: readonly (readonly [Buffer | null, Buffer | null])[],
): ReadonlyMap<string, Buffer> {
  if (entries.length === 0) return NO_HEADERS
  return new Map(entries.map(([name, value]) => [name?.toString() ?? '', value ?? Buffer.alloc(0)]))
}
