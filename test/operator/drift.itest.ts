import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)

describe('what was changed by hand', () => {
  let world: World
  const connector = () => `${world.namespace}.shop`
  const topic = () => `${connector()}.public.orders`
  const publicationName = async () => {
    const status = (await world.get('Source', 'shop'))?.status as {
      resources: { kind: string; name: string }[]
    }
    return status.resources.find(({ kind }) => kind === 'Publication')?.name ?? ''
  }

  beforeAll(async () => {
    world = await createWorld('drift')
    await createTable(world, 'public.orders', 1)
    await createTable(world, 'public.visits', 1)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }]))
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'))
  })
  afterAll(() => world?.close())

  it.concurrent('a publication that lacks its table gets it back', async () => {
    const name = await publicationName()
    await world.sql(`ALTER PUBLICATION ${name} SET TABLE public.visits`)
    const tables = await eventually('the table is back', 30_000, async () => {
      const rows = await world.sql(
        `select tablename from pg_publication_tables where pubname = '${name}' order by 1`,
      )
      return rows.length === 1 && rows[0]?.['tablename'] === 'orders' ? rows : undefined
    })
    expect(tables).toEqual([{ tablename: 'orders' }])
  })

  it.concurrent('a topic’s setting that is ours is put back, and another’s is left alone', async () => {
    await world.kafka.alterTopic(topic(), { 'cleanup.policy': 'delete', 'segment.ms': '600000' }, signal())
    const settings = await eventually('compact again', 90_000, async () => {
      const found = (await world.kafka.topicSettings([topic()], signal())).get(topic())
      return found?.get('cleanup.policy')?.value === 'compact' ? found : undefined
    })
    expect(settings.get('segment.ms')?.value).toBe('600000')
  })

  it.concurrent('a paused connector runs again', async () => {
    await world.connect.pause(connector(), signal())
    await eventually('it is paused', 10_000, async () => {
      const state = (await world.connect.connectors(signal())).get(connector())?.status?.state
      return state === 'PAUSED' ? true : undefined
    })
    await eventually('it runs', 30_000, async () => {
      const state = (await world.connect.connectors(signal())).get(connector())?.status?.state
      return state === 'RUNNING' ? true : undefined
    })
  })
})

describe('brakes', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld('brake')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }]))
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'))
  })
  afterAll(() => world?.close())

  it('with reconcile disabled nothing outside is touched, not even for a changed spec', async () => {
    const connector = `${world.namespace}.shop`
    await world.annotate('Source', 'shop', { 'penstock.dev/reconcile': 'disabled' })
    await world.until('paused', 'Source', 'shop', says('ReconciliationPaused', 'Disabled'))
    await world.connect.pause(connector, signal())
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }], { state: 'Stopped' }))
    // Two looks of the poll that would notice.
    await new Promise((resolve) => setTimeout(resolve, 11_000))
    expect((await world.connect.connectors(signal())).get(connector)?.status?.state).toBe('PAUSED')

    await world.annotate('Source', 'shop', { 'penstock.dev/reconcile': null })
    const source = await world.until('Stopped', 'Source', 'shop', ready('True', 'Stopped'))
    expect(condition(source, 'ReconciliationPaused')).toBeUndefined()
    expect((await world.connect.connectors(signal())).get(connector)?.status?.state).toBe('STOPPED')
  })

  it.each([
    ['Paused', 'PAUSED', 'Paused'],
    ['Stopped', 'STOPPED', 'Stopped'],
    ['Running', 'RUNNING', 'Streaming'],
  ] as const)('state %s is Ready when the connector is %s', async (state, connectState, reason) => {
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }], { state }))
    await world.until(state, 'Source', 'shop', ready('True', reason))
    const view = (await world.connect.connectors(signal())).get(`${world.namespace}.shop`)
    expect(view?.status?.state).toBe(connectState)
  })
})
