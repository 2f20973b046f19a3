import type { KafkaAdmin } from '../../clients/kafka/types.ts'

const HOUR_MS = 3_600_000

/** Of a compacted topic without a setting of its own (Kafka's default, 24 h). */
const DELETE_RETENTION_MS = 24 * HOUR_MS

/**
 * How far back deletes are known for certain, in milliseconds: compaction may remove a tombstone after
 * `delete.retention.ms`, and an hour of that is kept for a reader that is slow.
 */
export function offlineWindowMs(maxOfflineMs: number, deleteRetention: string | undefined): number {
  const parsed = Number(deleteRetention ?? DELETE_RETENTION_MS)
  const retention = Number.isFinite(parsed) ? parsed : DELETE_RETENTION_MS
  return Math.max(0, Math.min(maxOfflineMs, retention - HOUR_MS))
}

/** Per partition the offset from which on every delete is known; where nothing is that new, the log's end. */
export async function floorsOf(
  admin: KafkaAdmin,
  topic: string,
  partitions: readonly number[],
  since: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  const ends = await admin.offsets(topic, partitions, 'latest', signal)
  const found = await admin.offsets(topic, partitions, since, signal)
  return new Map(
    partitions.map((partition) => {
      const at = found.get(partition) ?? -1n
      return [partition, Number(at >= 0n ? at : (ends.get(partition) ?? 0n))]
    }),
  )
}
