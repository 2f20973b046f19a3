import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SourceStatus } from '../../src/api/source/index.ts'
import { typeOf } from './kube.ts'
import { backboneSpec, condition, createTable, ready, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)

/** What of a Source named shop exists outside, as far as its removal matters. */
async function outside({ connect, sql, database, namespace, kafka }: World) {
  const name = `${namespace}.shop`
  const topics = await kafka.listTopics(signal())
  return {
    connectors: [...(await connect.connectors(signal())).keys()].filter((one) => one === name),
    offsets: await connect.offsets(name, signal()),
    slots: (await sql(`select 1 from pg_replication_slots where database = '${database}'`)).length,
    publications: (await sql('select pubname from pg_publication')).length,
    topics: topics.filter((topic) => topic.startsWith(`${name}.public.`)),
  }
}

describe('the life of a Source', () => {
  let world: World
  const topic = () => `${world.namespace}.shop.public.orders`
  const make = () =>
    world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }], { onDelete: {} }))
  const isReady = () => world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), 40_000)
  /** What the topic says of each row in the end. */
  const stateOf = (records: readonly unknown[]) =>
    Object.fromEntries(
      records.flatMap((record) => {
        const { after } = (record ?? {}) as { after?: { id: number; note: string } }
        return after ? [[after.id, after.note]] : []
      }),
    )
  const ONE_OF_EACH = { slots: 1, publications: 1 }
  const ROWS = { 1: 'row 1', 2: 'row 2', 3: 'row 3' }

  beforeAll(async () => {
    world = await createWorld('life')
    await createTable(world, 'public.orders', 3)
    await world.apply('Backbone', 'main', backboneSpec())
    await make()
    await isReady()
  })
  afterAll(() => world?.close())
  afterEach(async () => {
    // Whatever a test came to, the next one finds a Source that is Ready.
    if ((await world.get('Source', 'shop')) === undefined) await make()
    await isReady()
  })

  it('a deleted one leaves its topics and nothing else', async () => {
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
    expect(await outside(world)).toEqual({
      connectors: [],
      offsets: undefined,
      slots: 0,
      publications: 0,
      topics: [topic()],
    })
  })

  it('made again over its topics it is Ready, with one of each outside and the same rows', async () => {
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
    await make()
    const source = await isReady()
    expect(condition(source, 'Stalled')).toBeUndefined()
    expect(await outside(world)).toMatchObject({ ...ONE_OF_EACH, topics: [topic()] })
    expect(stateOf(await world.records(topic()))).toEqual(ROWS)
  })

  it('the same where the operator was down while it was deleted and made again', async () => {
    await world.stopOperator()
    await world.remove('Source', 'shop')
    expect((await world.get('Source', 'shop'))?.metadata.deletionTimestamp).toBeDefined()
    await world.startOperator()
    await world.gone('Source', 'shop')
    await world.stopOperator()
    await make()
    await world.startOperator()
    const source = await isReady()
    expect(condition(source, 'Stalled')).toBeUndefined()
    expect(await outside(world)).toMatchObject({ ...ONE_OF_EACH, topics: [topic()] })
    expect(stateOf(await world.records(topic()))).toEqual(ROWS)
  })

  it('deleted and made again in the outside world’s back, by an object without finalizer: it is ours still', async () => {
    await world.stopOperator()
    const { namespace, kube } = world
    await kube.merge(typeOf('Source'), namespace, 'shop', { metadata: { finalizers: [] } }, signal())
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
    const before = await world.records(topic())
    await make()
    await world.startOperator()
    const source = await isReady()
    expect(condition(source, 'Stalled')).toBeUndefined()
    expect(await outside(world)).toMatchObject(ONE_OF_EACH)
    expect(await world.records(topic())).toEqual(before)
  })

  it('a wiped status comes back', async () => {
    const before = (await world.get('Source', 'shop'))?.status as SourceStatus
    await world.wipeStatus('Source', 'shop')
    const source = await isReady()
    const after = source.status as SourceStatus
    expect(after.resources).toEqual(before.resources)
    expect(after.identity).toEqual(before.identity)
    expect(condition(source, 'Stalled')).toBeUndefined()
  })

  it('a Backbone that is in use stays until nothing stands on it', async () => {
    await world.remove('Backbone', 'main')
    const held = await world.until(
      'in use',
      'Backbone',
      'main',
      (backbone) => condition(backbone, 'Ready')?.reason === 'InUse',
    )
    expect(condition(held, 'Ready')?.message).toContain(`Source ${world.namespace}/shop`)
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
    await world.gone('Backbone', 'main')
    await world.apply('Backbone', 'main', backboneSpec())
  })
})
