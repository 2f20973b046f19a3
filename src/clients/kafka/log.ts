import { pollPassing } from './passing.ts'
import { createKafkaProducer } from './producer.ts'
import { createPartitionReader } from './reader.ts'
import type { KafkaConnection, KafkaLog, PartitionBatch, PartitionReader } from './types.ts'

/** A {@link KafkaLog}; each scan reads by connections of its own, and writing shares one producer, made when first needed. */
export function createKafkaLog(connection: KafkaConnection): KafkaLog {
  const producers: ReturnType<typeof createKafkaProducer>[] = []
  return {
    scan: (topic, from, signal) => scan(createPartitionReader(connection), topic, from, signal),
    append: (records, signal) => {
      const producer = producers[0] ?? createKafkaProducer(connection)
      if (producers.length === 0) producers.push(producer)
      return producer.send(records, signal)
    },
    close: async () => {
      await Promise.all(producers.splice(0).map((producer) => producer.close()))
    },
  }
}

async function* scan(
  reader: PartitionReader,
  topic: string,
  from: ReadonlyMap<number, bigint>,
  signal: AbortSignal,
): AsyncGenerator<PartitionBatch> {
  const ends = new Map<number, bigint>()
  const open = new Set(from.keys())
  try {
    for (const [partition, offset] of from) reader.seek(topic, partition, offset)
    while (open.size > 0) {
      for (const batch of await pollPassing(reader, signal)) {
        const { partition, position, highWatermark } = batch
        if (!open.has(partition)) continue
        // What is written from here on is the next scan's.
        const end = ends.get(partition) ?? highWatermark
        ends.set(partition, end)
        yield batch
        if (position < end) continue
        open.delete(partition)
        reader.drop(topic, partition)
      }
    }
  } finally {
    await reader.close()
  }
}
