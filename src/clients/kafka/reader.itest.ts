import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { createKafkaAdmin } from './admin.ts'
import { freshTopic, readToEnd, testKafka } from './itest.ts'
import { createKafkaProducer } from './producer.ts'
import { createPartitionReader, isOffsetOutOfRange } from './reader.ts'
import type { PartitionBatch, PartitionReader } from './types.ts'

const signal = (): AbortSignal => AbortSignal.timeout(25_000)
const kafkaJs = (): Kafka =>
  new Kafka({ brokers: [inject('kafka')], clientId: 'oracle', logLevel: logLevel.NOTHING })

/** Transactions as texts: `x` aborts, `c` commits; each writes `records` records of `size` bytes. */
async function writeTransactions(topic: string, plan: string, records = 1, size = 8): Promise<void> {
  const producer = kafkaJs().producer({
    transactionalId: `tx-${topic}`,
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
  for (const [n, kind] of [...plan].entries()) {
    const transaction = await producer.transaction()
    for (let i = 0; i < records; i += 1) {
      const value = `${kind}${n}.${i}`.padEnd(size, '.')
      await transaction.send({ topic, messages: [{ key: 'k', value, partition: 0 }] })
    }
    await (kind === 'c' ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
}

/** What kafkajs reads with READ_COMMITTED, up to the record `end` that is written after the transactions. */
async function oracle(topic: string): Promise<readonly string[]> {
  const consumer = kafkaJs().consumer({ groupId: `oracle-${topic}`, readUncommitted: false })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<readonly string[]>()
  const seen: string[] = []
  await consumer.run({
    eachMessage: async ({ message }) => {
      const text = message.value?.toString() ?? '∅'
      seen.push(text)
      if (text === 'end') resolve(seen)
    },
  })
  const found = await promise
  await consumer.disconnect()
  return found
}

async function write(topic: string, values: readonly (string | undefined)[]): Promise<void> {
  const producer = createKafkaProducer(testKafka())
  await producer.send(
    values.map((value) => ({
      topic,
      partition: 0,
      key: Buffer.from('k'),
      value: value ? Buffer.from(value) : undefined,
    })),
    signal(),
  )
  await producer.close()
}

describe('PartitionReader', () => {
  let reader: PartitionReader
  beforeAll(() => {
    reader = createPartitionReader(testKafka())
  })
  afterAll(() => reader.close())

  it.each([
    ['one abort', 'xc', 1, 8],
    ['two aborts of one producer', 'xxc', 1, 8],
    ['abort and commit in turn', 'xcxc', 1, 8],
    ['aborts longer than a fetch', 'xcx', 4, 600_000],
  ])('agrees with kafkajs on transactions: %s', async (_name, plan, records, size) => {
    const topic = await freshTopic('tx', 1)
    await writeTransactions(topic, plan, records, size)
    await write(topic, ['end'])
    const expected = await oracle(topic)
    expect(expected.every((text) => !text.startsWith('x'))).toBe(true)
    expect(await readToEnd(reader, topic, 0, signal())).toEqual(expected)
    reader.drop(topic, 0)
  })

  it('gives tombstones, headers and times, and tells of an empty partition', async () => {
    const topic = await freshTopic('plain', 2)
    await write(topic, ['a', undefined])
    expect(await readToEnd(reader, topic, 0, signal())).toEqual(['a', '∅'])
    expect(await readToEnd(reader, topic, 1, signal())).toEqual([])
    // Sought to where it already is: fetch sessions say nothing new, the reader still must.
    reader.seek(topic, 1, 0n)
    reader.seek(topic, 0, 2n)
    const heard = new Set<number>()
    while (heard.size < 2) {
      for (const batch of await reader.poll(signal())) {
        heard.add(batch.partition)
        expect(batch.position).toBe(batch.highWatermark)
      }
    }
    reader.drop(topic, 0)
    reader.drop(topic, 1)
  })

  it('names topic, partition and log start when an offset is out of range', async () => {
    const topic = await freshTopic('range', 1)
    reader.seek(topic, 0, 99n)
    const caught = await pollUntilThrow(reader)
    expect(isOffsetOutOfRange(caught) && caught).toMatchObject({
      topic,
      partition: 0,
      offset: 99n,
      logStart: 0n,
    })
    reader.seek(topic, 0, 0n)
    const [first] = await pollUntilBatch(reader)
    expect(first).toMatchObject({ topic, position: 0n, highWatermark: 0n })
    reader.drop(topic, 0)
  })

  it('waits for a topic that does not exist yet, and reads others meanwhile', async () => {
    const late = `late-${Date.now()}`
    const topic = await freshTopic('early', 1)
    reader.seek(late, 0, 0n)
    await write(topic, ['a'])
    expect(await readToEnd(reader, topic, 0, signal())).toEqual(['a'])
    const admin = createKafkaAdmin(testKafka())
    await admin.createTopics([{ name: late, partitions: 1, replicationFactor: 1, config: {} }], signal())
    await admin.close()
    await write(late, ['b'])
    expect(await readToEnd(reader, late, 0, signal())).toEqual(['b'])
    reader.drop(late, 0)
    reader.drop(topic, 0)
  })

  it('throws when no broker answers, and at once when it is aborted', async () => {
    const nowhere = createPartitionReader({ bootstrapServers: ['127.0.0.1:1'], clientId: 'nowhere' })
    nowhere.seek('t', 0, 0n)
    await expect(nowhere.poll(signal())).rejects.toMatchObject({ kind: 'Unreachable' })
    await nowhere.close()
    const abort = new AbortController()
    const topic = await freshTopic('abort', 1)
    reader.seek(topic, 0, 0n)
    await reader.poll(signal())
    const polled = reader.poll(abort.signal)
    abort.abort(new Error('stop'))
    await expect(polled).rejects.toThrow('stop')
    reader.drop(topic, 0)
  })
})

async function pollUntilThrow(reader: PartitionReader): Promise<unknown> {
  for (let tries = 0; tries < 20; tries += 1) {
    const caught = await reader.poll(signal()).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (caught) return caught
  }
  return undefined
}

/** A poll waits half a second at most: on a busy machine the first ones may come back empty-handed. */
async function pollUntilBatch(reader: PartitionReader): Promise<readonly PartitionBatch[]> {
  for (let tries = 0; tries < 20; tries += 1) {
    const batches = await reader.poll(signal())
    if (batches.length > 0) return batches
  }
  return []
}
