import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'

import { createKafkaAdmin } from './admin.ts'
import type { KafkaConnection, KafkaRecord, PartitionReader } from './types.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the broker of integration tests, "host:port". */
    kafka: string
  }
}

/** The broker of integration tests. */
export function testKafka(clientId = 'itest'): KafkaConnection {
  return { bootstrapServers: [inject('kafka')], clientId }
}

/** Creates a topic of its own for one test and returns its name. */
export async function freshTopic(
  name: string,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<string> {
  const admin = createKafkaAdmin(testKafka())
  const topic = `${name}-${randomUUID().slice(0, 8)}`
  const signal = AbortSignal.timeout(20_000)
  try {
    await admin.createTopics([{ name: topic, partitions, replicationFactor: 1, config }], signal)
    return topic
  } finally {
    await admin.close()
  }
}

/** Polls until a partition was read to its high watermark; returns the records' values as text. */
export async function readToEnd(
  reader: PartitionReader,
  topic: string,
  partition: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const records: KafkaRecord[] = []
  reader.seek(topic, partition, 0n)
  for (;;) {
    for (const batch of await reader.poll(signal)) {
      if (batch.topic !== topic || batch.partition !== partition) continue
      records.push(...batch.records)
      if (batch.position >= batch.highWatermark) return records.map(({ value }) => value?.toString() ?? '∅')
    }
  }
}
