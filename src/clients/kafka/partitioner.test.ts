import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { describe, expect, it } from 'vitest'

import { murmur2, partitionOf } from './partitioner.ts'

const javaPartition = Partitioners.JavaCompatiblePartitioner()

const byKafkaJs = (key: Buffer, partitions: number): number =>
  javaPartition({
    topic: 't',
    message: { key, value: null },
    partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [0],
      isr: [0],
    })),
  })

describe('partitioner', () => {
  // Vectors of Kafka's own UtilsTest.testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as Java does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash)
  })

  it.each([4, 6, 10, 12])('chooses the partition of the Java producer among %i', (partitions) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const key = Buffer.from(bytes)
        expect(partitionOf(key, partitions)).toBe(byKafkaJs(key, partitions))
      }),
      { numRuns: 500 },
    )
  })

  it('takes the UTF-8 bytes of a text', () => {
    expect(partitionOf('Žluťoučký,42', 12)).toBe(partitionOf(Buffer.from('Žluťoučký,42', 'utf8'), 12))
  })
})
