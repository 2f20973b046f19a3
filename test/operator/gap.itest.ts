import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sharedServer } from '../../dev/testing.ts'
import { databaseObjectName } from '../../src/api/names.ts'
import type { SourceSpec, SourceStatus } from '../../src/api/source/index.ts'
import { isObject } from '../../src/lib/json.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type Seen, type World } from './world.ts'

const SENTENCE_MS = 30_000
/** Of stop and resume under load; 200 are run by hand. */
const CYCLES = Number(process.env['PENSTOCK_CYCLES'] ?? 20)
/** Of the worker under load; 50 are run by hand. */
const KILLS = Number(process.env['PENSTOCK_KILLS'] ?? 2)

describe('a slot that other hands have moved', () => {
  let world: World
  const connect = sharedServer(inject('testBed'), 'connect')
  const slotOf = (source: string) => databaseObjectName({ namespace: world.namespace, name: source })
  const topicOf = (source: string) => `${world.namespace}.${source}.public.orders`
  const apply = (name: string, state: SourceSpec['state']) =>
    world.apply('Source', name, sourceSpec(world, [{ name: 'public.orders' }], { state }))
  const running = async (name: string) => {
    await apply(name, 'Running')
    await world.until('Ready', 'Source', name, ready('True', 'Streaming'), 60_000)
  }
  const stopped = async (name: string) => {
    await apply(name, 'Stopped')
    await world.until('Stopped', 'Source', name, ready('True', 'Stopped'), 60_000)
  }
  const isActive = async (name: string) => {
    const [row] = await world.sql(
      `select active from pg_replication_slots where slot_name = '${slotOf(name)}'`,
    )
    return row?.['active'] === true
  }
  const idle = (name: string) =>
    eventually('nobody reads the slot', 30_000, async () => ((await isActive(name)) ? undefined : true))
  /** A row that nobody will ever see. */
  const advance = async (name: string, id: number) => {
    await world.sql(`INSERT INTO public.orders VALUES (${id}, 'lost')`)
    await world.sql(`select pg_replication_slot_advance('${slotOf(name)}', pg_current_wal_lsn())`)
  }
  const connectorState = async (name: string) =>
    (await world.connect.connectors(AbortSignal.timeout(20_000))).get(`${world.namespace}.${name}`)?.status
      ?.state
  const lost = (name: string, reason: string) =>
    world.until(reason, 'Source', name, says('SourceRetained', reason), SENTENCE_MS)
  beforeAll(async () => {
    world = await createWorld('gap')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
  })
  afterAll(() => world?.close())

  it.each([1, 2, 3])('while the Source is Stopped: seen, and never resumed (%d)', async (round) => {
    const name = `stopped${round}`
    await running(name)
    await stopped(name)
    await idle(name)
    await advance(name, 100 + round)
    const source = await lost(name, 'OffsetBehindSlot')
    expect(condition(source, 'Stalled')?.message).toMatch(/was moved \d+ bytes beyond the stored position/)
    await apply(name, 'Running')
    await world.until(
      'looked at the new spec',
      'Source',
      name,
      (seen) => seen.status?.['observedGeneration'] === seen.metadata.generation,
    )
    expect(await connectorState(name)).toBe('STOPPED')
    expect(condition(await world.get('Source', name), 'SourceRetained')?.reason).toBe('OffsetBehindSlot')
    await world.remove('Source', name)
    await world.gone('Source', name)
  })

  it.each([1, 2, 3])(
    'while the worker is down: seen, and the connector is stopped when it is back (%d)',
    async (round) => {
      const name = `down${round}`
      await running(name)
      await connect.kill()
      try {
        await idle(name)
        // It must have been looked at once in peace, with nobody who could move it by right.
        await world.until(
          'idle',
          'Source',
          name,
          (source) => says('SourceRetained', 'ConnectUnreachable')(source) && isIdle(source),
        )
        await advance(name, 200 + round)
        const source = await lost(name, 'OffsetBehindSlot')
        expect(condition(source, 'Stalled')?.message).toMatch(/was moved to .* by another hand/)
      } finally {
        await connect.start(AbortSignal.timeout(60_000))
      }
      await eventually('the connector is stopped', 60_000, async () =>
        (await connectorState(name).catch(() => undefined)) === 'STOPPED' ? true : undefined,
      )
      expect(condition(await world.get('Source', name), 'SourceRetained')?.reason).toBe('OffsetBehindSlot')
      // Nothing but its status knows by now, which another error must not wash away.
      const tables = [{ name: 'public.orders' }, { name: 'public.nothing' }]
      await world.apply('Source', name, sourceSpec(world, tables))
      await world.until('another error', 'Source', name, says('PreflightPassed', 'TableNotFound'))
      await apply(name, 'Running')
      await lost(name, 'OffsetBehindSlot')
      expect(await connectorState(name)).toBe('STOPPED')
      await world.remove('Source', name)
      await world.gone('Source', name, 60_000)
    },
  )

  it('a slot that somebody has dropped', async () => {
    await running('dropped')
    await stopped('dropped')
    await idle('dropped')
    await world.sql(`select pg_drop_replication_slot('${slotOf('dropped')}')`)
    const source = await lost('dropped', 'SlotMissing')
    expect(condition(source, 'Stalled')?.message).toMatch(
      /Set snapshot.mode to WhenNeeded, or delete this Source/,
    )
    await world.remove('Source', 'dropped')
    await world.gone('Source', 'dropped')
  })

  it('a slot that somebody else reads while the Source is Stopped', async () => {
    await running('used')
    await stopped('used')
    await idle('used')
    const { superuserUrl } = inject('testBed').postgres
    const url = new URL(superuserUrl)
    url.pathname = `/${world.database}`
    url.searchParams.set('replication', 'database')
    const reader = new Client({ connectionString: url.href, application_name: 'spy' })
    reader.on('error', () => undefined)
    await reader.connect()
    const options = `proto_version '1', publication_names '${slotOf('used')}'`
    reader.query(`START_REPLICATION SLOT ${slotOf('used')} LOGICAL 0/0 (${options})`).catch(() => undefined)
    const source = await world.until(
      'SlotInUse',
      'Source',
      'used',
      says('SlotHealthy', 'SlotInUse'),
      SENTENCE_MS,
    )
    const [, pid] =
      /pg_terminate_backend\((\d+)\)/.exec(condition(source, 'SlotHealthy')?.message ?? '') ?? []
    await world.sql(`select pg_terminate_backend(${pid})`)
    await world.until('Healthy', 'Source', 'used', says('SlotHealthy', 'Healthy'), SENTENCE_MS)
    await world.remove('Source', 'used')
    await world.gone('Source', 'used')
  })

  /** Disturbs a Source again and again while rows are written; none is lost, and no loss is told. */
  const underLoad = async (name: string, rounds: number, disturb: () => Promise<void>) => {
    await running(name)
    const load = new AbortController()
    const written = write(world, load.signal)
    for (let round = 0; round < rounds; round++) {
      await disturb()
      const source = await world.until('Streaming', 'Source', name, ready('True', 'Streaming'), 60_000)
      // A loss that was told once is told until somebody acts.
      expect(condition(source, 'SourceRetained')?.status).toBe('True')
      await delay(Math.random() * 1_000)
    }
    load.abort()
    const ids = await written
    await eventually('every row has arrived', 60_000, async () => {
      const seen = new Set((await world.records(topicOf(name))).map(idOf))
      return ids.every((id) => seen.has(id)) ? true : undefined
    })
    await world.remove('Source', name)
    await world.gone('Source', name)
  }

  it(
    `${CYCLES} times stopped and resumed under load: no false alarm, no row lost`,
    {
      timeout: CYCLES * 30_000,
    },
    () =>
      underLoad('cycles', CYCLES, async () => {
        await apply('cycles', 'Stopped')
        const source = await world.until('Stopped', 'Source', 'cycles', ready('True', 'Stopped'), 60_000)
        expect(condition(source, 'SourceRetained')?.status).toBe('True')
        await apply('cycles', 'Running')
      }),
  )

  it(
    `${KILLS} times its worker killed under load: no false alarm, no row lost`,
    {
      timeout: (KILLS + 1) * 60_000,
    },
    () =>
      underLoad('killed', KILLS, async () => {
        await connect.kill()
        await delay(Math.random() * 8_000)
        await connect.start(AbortSignal.timeout(60_000))
      }),
  )
})

/** The position is shown of a slot that nobody reads. */
const isIdle = ({ status }: Seen): boolean =>
  (status as SourceStatus | undefined)?.slot?.confirmedLsn !== undefined

/** Inserts and changes rows, a few hundred a second at most, until the signal aborts; their ids. */
async function write({ sql }: World, signal: AbortSignal): Promise<readonly number[]> {
  const ids: number[] = []
  const [last] = await sql('SELECT max(id)::int as id FROM public.orders')
  for (let id = Number(last?.['id']) + 1; !signal.aborted; id++) {
    await sql(`INSERT INTO public.orders VALUES (${id}, 'row')`)
    await sql(`UPDATE public.orders SET note = note || '.' WHERE id = ${id}`)
    ids.push(id)
    await delay(4)
  }
  return ids
}

function idOf(record: unknown): unknown {
  const after = isObject(record) ? record['after'] : undefined
  return isObject(after) ? after['id'] : undefined
}
