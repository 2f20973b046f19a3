import { afterEach, expect, it } from 'vitest'

import { createKafkaAdmin } from '../clients/kafka/admin.ts'
import { freshTopic, testKafka } from '../clients/kafka/itest.ts'
import { createKafkaProducer } from '../clients/kafka/producer.ts'
import { createPartitionReader } from '../clients/kafka/reader.ts'
import { COMMIT_TIME_HEADER } from '../contracts/row.ts'
import { silentLogger } from '../lib/log.ts'
import { startGateway } from './gateway.ts'
import { LIMITS } from './limits.ts'
import { testView, until, untilLoaded } from './testing/gateway.ts'
import { openSocket } from './testing/socket.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A gateway on a real broker, over a compacted topic of its own. */
async function start(topic: string) {
  const admin = createKafkaAdmin(testKafka())
  const local = { host: '127.0.0.1', port: 0 }
  const gateway = await startGateway({
    config: {
      version: 1,
      hash: 'h',
      pipeline: { namespace: 'n', name: 'p' },
      kafka: { bootstrapServers: [] },
      views: [testView({ input: { ...testView().input, topic } })],
      auth: { type: 'Anonymous' },
      allowedOrigins: [],
    },
    version: 'test',
    listen: local,
    statusListen: local,
    limits: LIMITS,
    admin,
    createReader: () => createPartitionReader(testKafka('gateway')),
    keysOf: () => () => Promise.reject(new Error('no keys')),
    log: silentLogger(),
    now: Date.now,
    random: Math.random,
    observeProcess: false,
  })
  closing.push(
    () => admin.close(),
    () => gateway.stop(0),
  )
  return { ...gateway, url: `ws://127.0.0.1:${gateway.port}/v1/stream` }
}

it('serves a compacted topic: snapshot, changes within milliseconds, a resume on another pod', async () => {
  const topic = await freshTopic('orders', 3, { 'cleanup.policy': 'compact' })
  const producer = createKafkaProducer(testKafka())
  closing.push(() => producer.close())
  const signal = AbortSignal.timeout(60_000)
  const put = (key: string, row: object | undefined, partition = 0) =>
    producer.send(
      [
        {
          topic,
          partition,
          key: Buffer.from(key),
          value: row && Buffer.from(JSON.stringify(row)),
          headers: { [COMMIT_TIME_HEADER]: String(Date.now()) },
        },
      ],
      signal,
    )
  for (let n = 0; n < 30; n += 1) await put(`k${n}`, { status: 'open', n }, n % 3)
  await put('k0', undefined)

  const gateway = await start(topic)
  await until(() => gateway.views[0]?.content !== undefined, 20_000)
  const socket = await openSocket(gateway.url)
  socket.send({ t: 'sub', id: 's', view: 'orders', all: true })
  await untilLoaded(gateway)
  const { token } = await socket.next('snap', ({ last }) => last)
  expect(socket.rows('s').size).toBe(29)

  const ages: number[] = []
  socket.raw.on('message', (data) => {
    const frame = JSON.parse(data.toString()) as {
      t: string
      rows?: [string, unknown, number, number, number][]
    }
    if (frame.t === 'd') ages.push(...(frame.rows ?? []).map(([, , , , ts]) => Date.now() - ts))
  })
  for (let n = 0; n < 50; n += 1) await put('k1', { status: 'done', n }, 1)
  await until(() => (socket.rows('s').get('k1') as { n: number }).n === 49)
  ages.sort((a, b) => a - b)
  // Produce to browser over a real broker, in the middle; generous for machines that are shared.
  expect(ages[Math.floor(ages.length / 2)]).toBeLessThan(50)

  const other = await start(topic)
  await until(() => other.views[0]?.content !== undefined, 20_000)
  await untilLoaded(other)
  await until(() => other.views[0]?.content?.progress.every(({ floor }) => Number.isFinite(floor)) ?? false)
  const back = await openSocket(other.url)
  back.send({ t: 'sub', id: 's', view: 'orders', all: true, ...(token ? { resume: token } : {}) })
  const { rows } = await back.next('d')
  expect(rows.map(([key, row]) => [key, row?.['n']])).toEqual([['k1', 49]])
  expect(back.frames.some(({ t }) => t === 'reset')).toBe(false)
})
