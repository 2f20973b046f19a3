import { isOffsetOutOfRange } from './reader.ts'
import type { PartitionBatch, PartitionReader } from './types.ts'

/** Polls, and passes over what retention or cleaning has taken away: such a partition is read from where it now begins. */
export async function pollPassing(
  reader: PartitionReader,
  signal: AbortSignal,
): Promise<readonly PartitionBatch[]> {
  try {
    return await reader.poll(signal)
  } catch (error) {
    if (!isOffsetOutOfRange(error)) throw error
    reader.seek(error.topic, error.partition, error.logStart)
    return []
  }
}
