import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type ServerName, sharedServer } from '../../dev/testing.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, sourceSpec } from './objects.ts'
import { createWorld, type Seen, type World } from './world.ts'

const SENTENCE_MS = 30_000
const HEAL_MS = 60_000
/** Which of those that need Kafka notices first is a matter of milliseconds. */
const KAFKA_GONE = ['KafkaUnreachable', 'NotAdvancing', 'ConnectUnreachable', 'ConnectRefused', 'ConnectBusy']

/** Ready=False with this reason; the sentence names what to do. */
const notReady =
  (...reasons: readonly string[]) =>
  (object: Seen): boolean => {
    const found = condition(object, 'Ready')
    return found?.status === 'False' && reasons.includes(found.reason)
  }
const messageOf = (object: Seen): string => condition(object, 'Ready')?.message ?? ''

describe('before it was ever Ready', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld('early')
    await createTable(world, 'public.orders', 1)
  })
  afterAll(() => world?.close())

  const table = [{ name: 'public.orders' }]
  const isReady = (name: string) => world.until('Ready', 'Source', name, ready('True', 'Streaming'), HEAL_MS)
  const says = (name: string, reason: string) =>
    world.until(`says ${reason}`, 'Source', name, notReady(reason), SENTENCE_MS)

  it.concurrent('a missing Backbone and a missing Secret are named in turn', async () => {
    await world.apply('Source', 'missing', sourceSpec(world, table, {}, 'later'))
    const noBackbone = await says('missing', 'BackboneNotFound')
    expect(messageOf(noBackbone)).toMatch(/create it, or correct spec\.backboneRef\.name/)
    expect(condition(noBackbone, 'Reconciling')?.status).toBe('True')
    await world.apply('Backbone', 'main', backboneSpec())
    const noSecret = await says('missing', 'SecretNotFound')
    expect(messageOf(noSecret)).toMatch(
      /Secret later is not in namespace .*: create it with username and password/,
    )
    await world.login('later', world.password)
    await isReady('missing')
  })

  it.concurrent('a wrong password is named with its Secret', async () => {
    await world.login('wrong', 'wrong')
    await world.apply('Source', 'locked', sourceSpec(world, table, {}, 'wrong'))
    const refused = await says('locked', 'AuthenticationFailed')
    expect(messageOf(refused)).toMatch(/Put the right username and password into Secret wrong/)
    expect(condition(refused, 'Reconciling')?.status).toBe('True')
    await world.login('wrong', world.password)
    await isReady('locked')
  })

  it.concurrent('an unknown table is named', async () => {
    await world.apply('Source', 'tables', sourceSpec(world, [...table, { name: 'public.later' }]))
    const noTable = await says('tables', 'TableNotFound')
    expect(messageOf(noTable)).toMatch(
      /table public\.later does not exist: create it, or correct spec\.tables/,
    )
    await createTable(world, 'public.later', 1)
    await isReady('tables')
  })

  it.concurrent('a table without a key cannot keep the latest of each: Stalled, with the three ways out', async () => {
    await world.sql('CREATE TABLE public.keyless (note text)')
    await world.sql(`ALTER TABLE public.keyless OWNER TO ${world.role}`)
    await world.apply('Source', 'keyless', sourceSpec(world, [{ name: 'public.keyless' }]))
    const stalled = await says('keyless', 'LatestNeedsKey')
    expect(condition(stalled, 'Stalled')?.status).toBe('True')
    expect(condition(stalled, 'Reconciling')).toBeUndefined()
    expect(messageOf(stalled)).toMatch(
      /add a primary key, set spec\.tables.*key, or choose topic\.policy History/,
    )
    expect(await world.sql(`select 1 from pg_publication where pubname like '%keyless%'`)).toEqual([])
  })
})

describe('after it was Ready', () => {
  let world: World
  const rows = { next: 100 }
  /** A committed row, and whether it arrives. */
  const flows = async (): Promise<void> => {
    const id = rows.next++
    await world.sql(`INSERT INTO public.orders VALUES (${id}, 'x')`)
    await eventually(`row ${id} is in Kafka`, 30_000, async () => {
      const records = await world.records(`${world.namespace}.shop.public.orders`)
      return records.some((record) => (record as { after?: { id: number } } | undefined)?.after?.id === id)
        ? true
        : undefined
    })
  }

  beforeAll(async () => {
    world = await createWorld('late')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }]))
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'))
  })
  afterAll(() => world?.close())

  it.each<readonly [string, ServerName, 'kill' | 'pause', readonly string[], RegExp]>([
    [
      'Kafka Connect down',
      'connect',
      'kill',
      ['ConnectUnreachable'],
      /Kafka Connect at http.* does not answer.*Check that it runs/,
    ],
    [
      'Kafka Connect frozen',
      'connect',
      'pause',
      ['ConnectUnreachable'],
      /Kafka Connect at http.* does not answer.*Check that it runs/,
    ],
    [
      'PostgreSQL down',
      'database',
      'kill',
      ['DatabaseUnreachable'],
      /the database at .* does not answer.*Check that it runs/,
    ],
    [
      'PostgreSQL frozen',
      'database',
      'pause',
      ['DatabaseUnreachable'],
      /the database at .* does not answer.*Check that it runs/,
    ],
    ['Kafka down', 'broker', 'kill', KAFKA_GONE, /Kafka/],
    ['Kafka frozen', 'broker', 'pause', KAFKA_GONE, /Kafka/],
  ])(
    '%s: said within 30 s, healed by itself when it is back',
    async (_name, server, act, reasons, sentence) => {
      const remote = sharedServer(inject('testBed'), server)
      await remote[act]()
      try {
        const down = await world.until('says so', 'Source', 'shop', notReady(...reasons), SENTENCE_MS)
        expect(messageOf(down)).toMatch(sentence)
        expect(condition(down, 'Stalled')).toBeUndefined()
        expect(condition(down, 'Reconciling')).toBeUndefined()
      } finally {
        await (act === 'kill' ? remote.start(AbortSignal.timeout(60_000)) : remote.resume())
      }
      await world.until('Ready again', 'Source', 'shop', ready('True', 'Streaming'), HEAL_MS)
      await flows()
    },
  )

  it('a password changed in the database: said within 30 s, healed by the new one in the Secret', async () => {
    const password = `${world.password}-new`
    await world.sql(`ALTER ROLE ${world.role} PASSWORD '${password}'`)
    await world.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${world.role}'`)
    const refused = await world.until(
      'says so',
      'Source',
      'shop',
      notReady('AuthenticationFailed', 'NotStreaming'),
      SENTENCE_MS,
    )
    expect(messageOf(refused)).toMatch(/Secret db|slot/)
    await world.login('db', password)
    await world.until('Ready again', 'Source', 'shop', ready('True', 'Streaming'), 90_000)
    await flows()
  })
})
