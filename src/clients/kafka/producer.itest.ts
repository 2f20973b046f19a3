import { describe, expect, it } from 'vitest'

import { freshTopic, readToEnd, testKafka } from './itest.ts'
import { createKafkaProducer } from './producer.ts'
import { createPartitionReader } from './reader.ts'
import type { OutgoingRecord } from './types.ts'

const signal = (): AbortSignal => AbortSignal.timeout(25_000)

describe('KafkaProducer', () => {
  it('writes many records in order, with headers, in more than one request', async () => {
    const topic = await freshTopic('many', 3)
    const records: OutgoingRecord[] = Array.from({ length: 9_000 }, (_, n) => ({
      topic,
      partition: n % 3,
      key: Buffer.from(`k${n}`),
      value: Buffer.from(`${n}`.padEnd(400, '.')),
      headers: { n: `${n}` },
    }))
    const producer = createKafkaProducer(testKafka())
    await Promise.all([
      producer.send(records.slice(0, 4_500), signal()),
      producer.send(records.slice(4_500), signal()),
    ])
    await producer.close()
    const reader = createPartitionReader(testKafka())
    for (const partition of [0, 1, 2]) {
      const values = await readToEnd(reader, topic, partition, signal())
      expect(values.map((text) => Number.parseInt(text, 10))).toEqual(
        Array.from({ length: 3_000 }, (_, n) => 3 * n + partition),
      )
    }
    await reader.close()
  })

  it('refuses a partition that does not exist and a record that is too large', async () => {
    const topic = await freshTopic('bounds', 2)
    const producer = createKafkaProducer(testKafka())
    const record = { topic, partition: 2, key: Buffer.from('k'), value: Buffer.from('v') }
    await expect(producer.send([record], signal())).rejects.toThrow('has 2 partitions')
    const large = { ...record, partition: 0, value: Buffer.alloc(2_000_000) }
    await expect(producer.send([large], signal())).rejects.toMatchObject({ apiId: 'MESSAGE_TOO_LARGE' })
    await producer.send([{ ...record, partition: 1 }], signal())
    await producer.close()
  })

  it('gives up after a bounded time when no broker answers', async () => {
    const producer = createKafkaProducer({ bootstrapServers: ['127.0.0.1:1'], clientId: 'nowhere' })
    const record = { topic: 't', partition: 0, key: undefined, value: Buffer.from('v') }
    await expect(producer.send([record], signal())).rejects.toMatchObject({ kind: 'Unreachable' })
    await producer.close()
  }, 40_000)
})
