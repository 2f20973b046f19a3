import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { SourceStatus } from '../../src/api/source/index.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)
const writes = async ({ operator }: World): Promise<number> =>
  (await operator().metric('penstock_api_writes_total{what="status"}')) +
  (await operator().metric('penstock_api_writes_total{what="finalizer"}'))

describe('a Source from nothing to Ready', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld('src')
    await createTable(world, 'public.orders', 3)
    await createTable(world, 'public.visits', 2)
    const before = await writes(world)
    await world.apply('Backbone', 'main', backboneSpec())
    // Applied together, the watch may tell of the Source first, and that its Backbone is missing is written too.
    await world.until('Ready', 'Backbone', 'main', ready('True'))
    await world.apply(
      'Source',
      'shop',
      sourceSpec(world, [
        { name: 'public.orders' },
        { name: 'public.visits', topic: { policy: 'History', retention: '1d' } },
      ]),
    )
    await world.until('Ready Streaming', 'Source', 'shop', ready('True', 'Streaming'))
    // The Source's: finalizer, ledger, Ready; one more where a look falls into the snapshot. The Backbone's: two.
    expect((await writes(world)) - before).toBeLessThanOrEqual(6)
  })
  afterAll(() => world?.close())

  it('its topics have the settings of their policies', async () => {
    const prefix = `${world.namespace}.shop`
    const names = [`${prefix}.public.orders`, `${prefix}.public.visits`]
    const topics = await world.kafka.topicSettings(names, signal())
    const setting = (table: string, key: string) => topics.get(`${prefix}.public.${table}`)?.get(key)
    expect(setting('orders', 'cleanup.policy')).toBe('compact')
    expect(setting('visits', 'cleanup.policy')).toBe('delete')
    expect(setting('visits', 'retention.ms')).toBe('86400000')
    const described = await world.kafka.describeTopics(names, signal())
    expect([...described.values()].map(({ partitions }) => partitions)).toEqual([2, 2])
  })

  it('its status names what exists outside', async () => {
    const source = await world.get('Source', 'shop')
    const status = source?.status as SourceStatus
    expect(status.resources?.map(({ kind }) => kind).sort()).toEqual([
      'Connector',
      'Publication',
      'ReplicationSlot',
      'TopicSet',
    ])
    const named = (kind: string) => status.resources?.find((entry) => entry.kind === kind)?.name
    const slots = await world.sql(
      `select slot_name from pg_replication_slots where database = '${world.database}'`,
    )
    expect(slots).toEqual([{ slot_name: named('ReplicationSlot') }])
    expect(status.slot).toMatchObject({ name: named('ReplicationSlot'), active: true })
    const tables = await world.sql(
      `select schemaname || '.' || tablename as table from pg_publication_tables where pubname = '${named('Publication')}' order by 1`,
    )
    expect(tables).toEqual([{ table: 'public.orders' }, { table: 'public.visits' }])
    expect(status).toMatchObject({
      connector: { name: `${world.namespace}.shop`, state: 'RUNNING' },
      topics: { prefix: `${world.namespace}.shop`, count: 2 },
      snapshot: { state: 'Completed' },
    })
    expect(condition(source, 'Stalled')).toBeUndefined()
    expect(condition(source, 'Reconciling')).toBeUndefined()
  })

  it('rows of the snapshot and changes after it are in Kafka', async () => {
    const topic = `${world.namespace}.shop.public.orders`
    await world.sql(`INSERT INTO public.orders VALUES (4, 'later')`)
    const rows = await eventually('4 rows', 20_000, async () => {
      const records = await world.records(topic)
      return records.length >= 4 ? records : undefined
    })
    expect(rows).toHaveLength(4)
    expect(rows).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ op: 'r', after: { id: 1, note: 'row 1' } }),
        expect.objectContaining({ op: 'c', after: { id: 4, note: 'later' } }),
      ]),
    )
  })

  it('no password is in the connector’s configuration', async () => {
    const response = await fetch(`${inject('testBed').connectUrl}/connectors/${world.namespace}.shop`)
    const text = await response.text()
    expect(text).toContain('${directory:')
    expect(text).not.toContain(world.password)
  })

  it('an operator that starts again with everything Ready writes nothing', async () => {
    const before = await eventually('it has come to rest', 15_000, async () => {
      const source = await world.get('Source', 'shop')
      return condition(source, 'SourceRetained')?.reason === 'Ready' ? source : undefined
    })
    await world.stopOperator()
    await world.startOperator()
    const looks = 'controller_runtime_reconcile_total{controller="Source",result="requeue_after"}'
    await eventually('a look at the Source', 25_000, async () =>
      (await world.operator().metric(looks)) >= 1 ? true : undefined,
    )
    // Whatever the polls may still tell comes within these.
    await delay(12_000)
    expect((await world.get('Source', 'shop'))?.status).toEqual(before.status)
    expect(await writes(world)).toBe(0)
    expect((await world.get('Source', 'shop'))?.metadata.resourceVersion).toBe(
      before.metadata.resourceVersion,
    )
  })

  it('more log than it may keep has a condition of its own, and Ready stays', async () => {
    const spec = sourceSpec(world, [
      { name: 'public.orders' },
      { name: 'public.visits', topic: { policy: 'History', retention: '1d' } },
    ])
    await world.apply('Source', 'shop', { ...spec, thresholds: { retainedBytes: '1' } })
    await eventually('the condition says so', 60_000, async () => {
      const conditions = (await world.get('Source', 'shop'))?.status?.conditions ?? []
      const reasonOf = (type: string) => conditions.find((condition) => condition.type === type)?.reason
      return reasonOf('RetainedLogWithinThreshold') === 'RetainedLogTooLarge' &&
        reasonOf('Ready') === 'Streaming'
        ? true
        : undefined
    })
  })
})
