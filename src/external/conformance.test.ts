import { afterAll } from 'vitest'

import { check } from './check.ts'
import { connector } from './connector.ts'
import { resource } from './contract.ts'
import { consumerGroup } from './group.ts'
import { conforms } from './testing/conformance.ts'
import { memoryConnect } from './testing/connect.ts'
import { memoryKafka } from './testing/kafka.ts'
import { memoryKube } from './testing/kube.ts'
import { surroundings } from './testing/surroundings.ts'
import { topicSet } from './topics.ts'
import { type Manifest, workload } from './workload.ts'

const stop = new AbortController()
afterAll(() => stop.abort())

conforms('a set of topics', async () => {
  const { admin, writes } = memoryKafka()
  const { polls, user } = surroundings(stop.signal)
  const wish = { partitions: 3, replicationFactor: 1, config: { 'cleanup.policy': 'compact' }, keyed: true }
  const topics = topicSet({ admin, kafka: 'k:9092', polls, user }, 'shop.', [
    { ...wish, name: 'shop.a' },
    { ...wish, name: 'shop.b' },
  ])
  return { resource: resource(topics), writes: () => writes.length }
})

conforms('a connector', async () => {
  const { client, writes } = memoryConnect()
  const shop = connector(
    {
      ...surroundings(stop.signal),
      client,
      url: 'http://connect',
      failures: [],
      secrets: [],
      judge: async () => ({ type: 'Ready' }),
      beforeStart: async () => 'Running',
    },
    {
      name: 'ns.shop',
      config: { 'connector.class': 'X' },
      state: 'Running',
      owner: 'i/ns/shop',
      adoption: 'Refuse',
      resetOffsetsOnRemove: true,
    },
  )
  return { resource: resource(shop), writes: () => writes.length }
})

conforms('a workload', async () => {
  const { kube, writes } = memoryKube()
  const manifest = (apiVersion: string, kind: string): Manifest => ({
    apiVersion,
    kind,
    metadata: { name: 'shop-processor', namespace: 'ns', labels: { app: 'x' } },
    spec: { replicas: 1 },
  })
  const processor = workload(
    {
      ...surroundings(stop.signal),
      kube,
      now: Date.now,
      note: () => '',
      ask: () => Promise.reject(new Error('no pod answers')),
    },
    {
      name: 'shop-processor',
      namespace: 'ns',
      manifests: [manifest('v1', 'ConfigMap'), manifest('v1', 'Service'), manifest('apps/v1', 'StatefulSet')],
      replicas: 1,
      hash: 'h',
      statusPort: 9090,
    },
  )
  return { resource: resource(processor), writes: () => writes.length }
})

conforms(
  'a consumer group',
  async () => {
    const { admin, writes } = memoryKafka()
    return { resource: resource(consumerGroup(admin, 'g')), writes: () => writes.length }
  },
  { madeByOthers: true },
)

conforms(
  'a check',
  async () => ({
    resource: resource(check('preflight', async () => ({ type: 'Ready' }))),
    writes: () => 0,
  }),
  { madeByOthers: true },
)
