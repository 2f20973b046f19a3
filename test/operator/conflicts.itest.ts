import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { databaseObjectName } from '../../src/api/names.ts'
import { backboneSpec, condition, createTable, ready, sourceSpec } from './objects.ts'
import { createWorld, type Seen, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)
const stalledAs =
  (reason: string) =>
  (object: Seen): boolean =>
    condition(object, 'Stalled')?.reason === reason && condition(object, 'Ready')?.status === 'False'

describe('two that want one thing', () => {
  let world: World
  const table = [{ name: 'public.orders' }]
  beforeAll(async () => {
    world = await createWorld('rival')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
  })
  afterAll(() => world?.close())

  it.concurrent('of two Sources with one topic prefix the older has it, and the newer gets it when that has gone', async () => {
    const topics = { prefix: `${world.namespace}.one` }
    await world.apply('Source', 'older', sourceSpec(world, table, { topics }))
    await world.until('Ready', 'Source', 'older', ready('True', 'Streaming'))
    // Their age is told in seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
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
    const left = (await world.connect.connectors(signal())).get(name)
    expect(left?.config).toMatchObject(config)
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
