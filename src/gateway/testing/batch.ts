import type { PartitionBatch } from '../../clients/kafka/types.ts'

/** A record of a batch: its offset, its key, and its row; undefined is a tombstone. */
export type RecordOf = readonly [offset: number, key: string, row: object | undefined]

/** What a fetch would have given; the position is behind the last record and is the end, unless told otherwise. */
export function batchOf(
  partition: number,
  records: readonly RecordOf[],
  over: { position?: number; end?: number; logStart?: number } = {},
): PartitionBatch {
  const position = over.position ?? (records.at(-1)?.[0] ?? -1) + 1
  return {
    topic: 'orders',
    partition,
    records: records.map(([offset, key, row]) => ({
      key: Buffer.from(key),
      value: row === undefined ? undefined : Buffer.from(JSON.stringify(row)),
      offset: BigInt(offset),
      timestamp: 1_000 + offset,
      headers: new Map(),
    })),
    position: BigInt(position),
    highWatermark: BigInt(over.end ?? position),
    logStart: BigInt(over.logStart ?? 0),
  }
}
