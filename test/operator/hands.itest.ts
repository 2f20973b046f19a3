import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { databaseObjectName } from '../../src/api/names.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type Seen, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)
const stalledAs =
  (reason: string) =>
  (object: Seen): boolean =>
    condition(object, 'Stalled')?.reason === reason && condition(object, 'Ready')?.status === 'False'

// All at once, each on objects of its own: most of the time is that until the next look.
describe('what other hands have done', () => {
  let world: World
  const table = [{ name: 'public.orders' }]
  const connector = () => `${world.namespace}.shop`
  const topic = () => `${connector()}.public.orders`
  const stateOf = async (name: string) =>
    (await world.connect.connectors(signal())).get(`${world.namespace}.${name}`)?.status?.state
  beforeAll(async () => {
    world = await createWorld('hands')
    await createTable(world, 'public.orders', 1)
    await createTable(world, 'public.visits', 1)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', sourceSpec(world, table))
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'))
  })
  afterAll(() => world?.close())

  it.concurrent('a publication that lacks its table gets it back', async () => {
    const name = databaseObjectName({ namespace: world.namespace, name: 'shop' })
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
    // A broker takes a moment to show what it has been told.
    await eventually('the change shows', 10_000, async () => {
      const found = (await world.kafka.topicSettings([topic()], signal())).get(topic())
      return found?.get('segment.ms') === '600000' ? true : undefined
    })
    const settings = await eventually('compact again', 90_000, async () => {
      const found = (await world.kafka.topicSettings([topic()], signal())).get(topic())
      return found?.get('cleanup.policy') === 'compact' ? found : undefined
    })
    expect(settings.get('segment.ms')).toBe('600000')
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

  it.concurrent('made Stopped, nothing runs for a moment either: no slot, no row', async () => {
    await world.apply('Source', 'still', sourceSpec(world, table, { state: 'Stopped' }))
    await world.until('Stopped', 'Source', 'still', ready('True', 'Stopped'))
    expect(await stateOf('still')).toBe('STOPPED')
    const slot = databaseObjectName({ namespace: world.namespace, name: 'still' })
    expect(await world.sql(`select 1 from pg_replication_slots where slot_name = '${slot}'`)).toEqual([])
    expect(await world.records(`${world.namespace}.still.public.orders`)).toEqual([])
  })

  it.concurrent('with reconcile disabled nothing outside is touched, not even for a changed spec', async () => {
    const apply = (state: 'Running' | 'Paused' | 'Stopped') =>
      world.apply('Source', 'braked', sourceSpec(world, table, { state }))
    await apply('Running')
    await world.until('Ready', 'Source', 'braked', ready('True', 'Streaming'))
    await world.annotate('Source', 'braked', { 'penstock.dev/reconcile': 'disabled' })
    await world.until('paused', 'Source', 'braked', says('ReconciliationPaused', 'Disabled'))
    await world.connect.pause(`${world.namespace}.braked`, signal())
    await apply('Stopped')
    // Two looks of the poll that would notice.
    await delay(11_000)
    expect(await stateOf('braked')).toBe('PAUSED')

    await world.annotate('Source', 'braked', { 'penstock.dev/reconcile': null })
    const source = await world.until('Stopped', 'Source', 'braked', ready('True', 'Stopped'))
    expect(condition(source, 'ReconciliationPaused')).toBeUndefined()
    expect(await stateOf('braked')).toBe('STOPPED')
  })

  it.concurrent('Paused, Stopped and Running are Ready when the connector is so', async () => {
    for (const [state, connectState, reason] of [
      ['Running', 'RUNNING', 'Streaming'],
      ['Paused', 'PAUSED', 'Paused'],
      ['Stopped', 'STOPPED', 'Stopped'],
      ['Running', 'RUNNING', 'Streaming'],
    ] as const) {
      await world.apply('Source', 'states', sourceSpec(world, table, { state }))
      await world.until(state, 'Source', 'states', ready('True', reason))
      expect(await stateOf('states')).toBe(connectState)
    }
  })

  it.concurrent('of two Sources with one topic prefix the older has it, and the newer gets it when that has gone', async () => {
    const topics = { prefix: `${world.namespace}.one` }
    await world.apply('Source', 'older', sourceSpec(world, table, { topics }))
    await world.until('Ready', 'Source', 'older', ready('True', 'Streaming'))
    // Their age is told in seconds.
    await delay(1_100)
    await world.apply('Source', 'newer', sourceSpec(world, table, { topics }))
    const taken = await world.until('TopicTaken', 'Source', 'newer', stalledAs('TopicTaken'))
    expect(condition(taken, 'Ready')?.message).toMatch(
      /Source .*\/older already writes topics .*: set another topics\.prefix/,
    )
    expect((await world.connect.connectors(signal())).has(`${world.namespace}.newer`)).toBe(false)
    expect(condition(await world.get('Source', 'older'), 'Ready')?.status).toBe('True')
    await world.remove('Source', 'older')
    await world.gone('Source', 'older')
    await world.until('Ready', 'Source', 'newer', ready('True', 'Streaming'), 45_000)
  })

  it.concurrent('a connector of our name without our mark is left alone', async () => {
    const name = `${world.namespace}.foreign`
    const { host, port } = inject('testBed').postgres
    const config = {
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'database.hostname': host,
      'database.port': String(port),
      'database.dbname': world.database,
      'database.user': world.role,
      'database.password': world.password,
      'plugin.name': 'pgoutput',
      'topic.prefix': 'foreign',
    }
    const made = await fetch(`${inject('testBed').connectUrl}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, config, initial_state: 'STOPPED' }),
    })
    expect(made.ok, await made.text()).toBe(true)
    await world.apply('Source', 'foreign', sourceSpec(world, table))
    const source = await world.until('NotOurs', 'Source', 'foreign', stalledAs('NotOurs'))
    expect(condition(source, 'Ready')?.message).toMatch(
      /connector .* exists and carries no mark of ours: delete it, or set adoptionPolicy to Adopt/,
    )
    await world.remove('Source', 'foreign')
    await world.gone('Source', 'foreign')
    const left = await fetch(`${inject('testBed').connectUrl}/connectors/${name}/config`)
    expect(await left.json()).toMatchObject(config)
  })

  it.concurrent('a publication of our name without our mark is left alone', async () => {
    const name = databaseObjectName({ namespace: world.namespace, name: 'published' })
    await createTable(world, 'public.other', 1)
    await world.sql(`CREATE PUBLICATION ${name} FOR TABLE public.other`)
    await world.apply('Source', 'published', sourceSpec(world, table))
    const source = await world.until('NotOurs', 'Source', 'published', stalledAs('NotOurs'))
    expect(condition(source, 'Ready')?.message).toMatch(
      /publication .* exists and carries no mark of ours: drop it/,
    )
    await world.remove('Source', 'published')
    await world.gone('Source', 'published')
    const tables = await world.sql(`select tablename from pg_publication_tables where pubname = '${name}'`)
    expect(tables).toEqual([{ tablename: 'other' }])
  })
})
