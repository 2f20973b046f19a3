import { describe, expect, it } from 'vitest'

import type { Backbone } from '../../api/backbone.ts'
import type { Source, SourceSpec } from '../../api/source/index.ts'
import { sourceTopics, tablePolicy } from './topics.ts'

const metadata = {
  name: 'shop',
  namespace: 'ns',
  uid: 'u',
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
}
const source = (more: Partial<SourceSpec>): Source => ({
  apiVersion: 'penstock.dev/v1alpha1',
  kind: 'Source',
  metadata,
  spec: {
    backboneRef: { name: 'main' },
    state: 'Running',
    type: 'Postgres',
    tables: [{ name: 'public.orders' }],
    ...more,
  },
})
const backbone = (topicDefaults: Backbone['spec']['topicDefaults']): Backbone => ({
  apiVersion: 'penstock.dev/v1alpha1',
  kind: 'Backbone',
  metadata,
  spec: { kafka: { bootstrapServers: ['k:9092'] }, topicDefaults },
})
const only = (of: Source, on?: Backbone) => sourceTopics(on, of, of.spec.tables, 'p', [])[0]

describe('the policy of a table', () => {
  it.each<readonly [string, Partial<SourceSpec>, ReturnType<typeof tablePolicy>]>([
    ['Latest, where nothing is said', {}, { policy: 'Latest', retention: undefined }],
    [
      'the Source’s',
      { topics: { policy: 'History', retention: '7d' } },
      { policy: 'History', retention: '7d' },
    ],
    [
      'the table’s own, with its own retention and not the Source’s',
      {
        topics: { policy: 'History', retention: '7d' },
        tables: [{ name: 'public.orders', topic: { policy: 'Forever' } }],
      },
      { policy: 'Forever', retention: undefined },
    ],
    [
      'the Source’s policy with the table’s retention',
      {
        topics: { policy: 'History', retention: '7d' },
        tables: [{ name: 'public.orders', topic: { retention: '1d' } }],
      },
      { policy: 'History', retention: '1d' },
    ],
  ])('is %s', (_name, spec, expected) => {
    const of = source(spec)
    const [table] = of.spec.tables
    expect(table && tablePolicy(of, table)).toEqual(expected)
  })
})

describe('partitions', () => {
  it.each<readonly [string, Partial<SourceSpec>, number | undefined, number]>([
    ['six, where nothing is said', {}, undefined, 6],
    ['the Backbone’s', {}, 3, 3],
    ['the Source’s before the Backbone’s', { topics: { partitions: 4 } }, 3, 4],
    [
      'the table’s before both',
      { topics: { partitions: 4 }, tables: [{ name: 'public.orders', topic: { partitions: 5 } }] },
      3,
      5,
    ],
  ])('%s', (_name, spec, defaults, partitions) => {
    const on = defaults === undefined ? backbone(undefined) : backbone({ partitions: defaults })
    expect(only(source(spec), on)?.partitions).toBe(partitions)
  })
})

describe('settings', () => {
  it('the Source’s go before the Backbone’s, the policy’s before both, numbers become text', () => {
    const of = source({ topics: { config: { 'min.insync.replicas': 2 } } })
    const on = backbone({ config: { 'min.insync.replicas': '1', 'segment.ms': 1_000 } })
    expect(only(of, on)?.config).toMatchObject({
      'min.insync.replicas': '2',
      'segment.ms': '1000',
      'cleanup.policy': 'compact',
    })
  })

  it('what somebody else looks after is left out', () => {
    const of = source({ topics: { unmanagedConfig: ['cleanup.policy'] } })
    expect(only(of)?.config).not.toHaveProperty('cleanup.policy')
  })

  it('topics that keep the latest are keyed, others are not', () => {
    expect(only(source({}))?.keyed).toBe(true)
    expect(only(source({ topics: { policy: 'Forever' } }))?.keyed).toBe(false)
  })

  it('topics beside the tables have one partition each', () => {
    const topics = sourceTopics(backbone({ partitions: 9, replicationFactor: 3 }), source({}), [], 'p', [
      { name: 'p.notifications', policy: 'History' },
    ])
    expect(topics.at(-1)).toMatchObject({
      name: 'p.notifications',
      partitions: 1,
      replicationFactor: 3,
      keyed: false,
      config: { 'cleanup.policy': 'delete', 'retention.ms': '604800000' },
    })
  })
})
