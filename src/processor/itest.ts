import { expect } from 'vitest'

import { testKafka } from '../clients/kafka/itest.ts'
import { partitionOf } from '../clients/kafka/partitioner.ts'
import { createKafkaProducer } from '../clients/kafka/producer.ts'
import { createPartitionReader } from '../clients/kafka/reader.ts'

/** Of every topic. */
export const PARTITIONS = 3

const signal = (): AbortSignal => AbortSignal.timeout(50_000)

/** A row of the table that tests write. */
export interface Order {
  readonly id: number
  readonly user_id: number
  readonly action: string
  readonly total: string
}
/** A change of a row, as Debezium names it: created, updated or deleted. */
export type Change = readonly ['c' | 'u' | 'd', Order]

/** Writes changes as Debezium does: an envelope a change, and a tombstone after a delete. */
export async function change(topic: string, changes: readonly Change[]): Promise<void> {
  const producer = createKafkaProducer(testKafka())
  await producer.send(
    changes.flatMap(([op, order]) => {
      const key = Buffer.from(JSON.stringify({ id: order.id }))
      const at = { topic, partition: partitionOf(key, PARTITIONS), key }
      const after = op === 'd' ? null : order
      const before = op === 'd' ? { id: order.id } : null
      const value = JSON.stringify({ op, before, after, source: { ts_ms: 1_000 + order.id }, ts_ms: 2_000 })
      return [{ ...at, value: Buffer.from(value) }, ...(op === 'd' ? [{ ...at, value: undefined }] : [])]
    }),
    signal(),
  )
  await producer.close()
}

/** The present rows of an output topic, by key. */
export async function viewOf(topic: string): Promise<Record<string, unknown>> {
  const reader = createPartitionReader(testKafka())
  const view = new Map<string, unknown>()
  const missing = new Set(Array.from({ length: PARTITIONS }, (_, n) => n))
  for (const partition of missing) reader.seek(topic, partition, 0n)
  while (missing.size > 0) {
    for (const { partition, records, position, highWatermark } of await reader.poll(signal())) {
      for (const { key, value } of records) {
        if (value) view.set(String(key), JSON.parse(value.toString()))
        else view.delete(String(key))
      }
      if (position >= highWatermark) missing.delete(partition)
    }
  }
  await reader.close()
  return Object.fromEntries([...view].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Waits until the view is this one. */
export async function expectView(topic: string, expected: Record<string, unknown>): Promise<void> {
  await expect.poll(() => viewOf(topic), { timeout: 30_000, interval: 300 }).toEqual(expected)
}
