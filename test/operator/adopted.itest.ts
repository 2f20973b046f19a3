import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { databaseObjectName } from '../../src/api/names.ts'
import type { SourceSpec } from '../../src/api/source/index.ts'
import { eventually } from './eventually.ts'
import { typeOf } from './kube.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(30_000)
const TABLES = [{ name: 'public.orders' }]

describe('a Source over what an earlier life has left', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld('earlier')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
  })
  afterAll(() => world?.close())
  const names: string[] = []
  afterEach(async () => {
    for (const name of names.splice(0)) {
      await world.remove('Source', name)
      await world.gone('Source', name)
    }
  })

  const make = (name: string, more: Partial<SourceSpec> = {}) =>
    world.apply('Source', name, sourceSpec(world, TABLES, more))
  const isReady = (name: string) => world.until('Ready', 'Source', name, ready('True', 'Streaming'), 60_000)
  const slotOf = (name: string) => databaseObjectName({ namespace: world.namespace, name })
  const connectorOf = (name: string) => `${world.namespace}.${name}`
  const stateOf = async (name: string) =>
    (await world.connect.connectors(signal())).get(connectorOf(name))?.status?.state

  /** Leaves the slot and the offsets of a Source that streamed, without its connector and its object. */
  async function leave(name: string): Promise<void> {
    names.push(name)
    await make(name)
    await isReady(name)
    await eventually('a position is stored', 20_000, async () =>
      (await world.connect.offsets(connectorOf(name), signal()))?.length ? true : undefined,
    )
    await world.stopOperator()
    const { kube, namespace } = world
    await kube.merge(typeOf('Source'), namespace, name, { metadata: { finalizers: [] } }, signal())
    await world.remove('Source', name)
    await world.gone('Source', name)
    await world.connect.stop(connectorOf(name), signal())
    await eventually('nobody reads the slot', 20_000, async () => {
      const [slot] = await world.sql(
        `select active from pg_replication_slots where slot_name = '${slotOf(name)}'`,
      )
      return slot?.['active'] === false ? true : undefined
    })
    await world.connect.remove(connectorOf(name), signal())
    await eventually('the connector is gone', 20_000, async () =>
      (await world.connect.config(connectorOf(name), signal())) === undefined ? true : undefined,
    )
  }
  const ordersOf = async (name: string) =>
    (await world.records(`${connectorOf(name)}.public.orders`)).flatMap((record) => {
      const { op, after } = (record ?? {}) as { op?: string; after?: { id: number } }
      return after ? [`${op} ${after.id}`] : []
    })

  it('does not run on offsets whose slot is gone, and begins with a snapshot once they are deleted', async () => {
    await leave('gone')
    await world.sql(`select pg_drop_replication_slot('${slotOf('gone')}')`)
    await world.startOperator()
    await make('gone')
    const stale = await world.until(
      'StaleOffsetsFound',
      'Source',
      'gone',
      says('SourceRetained', 'StaleOffsetsFound'),
      60_000,
    )
    expect(condition(stale, 'Stalled')?.message).toContain(
      `DELETE /connectors/${connectorOf('gone')}/offsets of Kafka Connect`,
    )
    await eventually('it is stopped', 20_000, async () =>
      (await stateOf('gone')) === 'STOPPED' ? true : undefined,
    )
    await world.connect.resetOffsets(connectorOf('gone'), signal())
    await isReady('gone')
    expect(await ordersOf('gone')).toEqual(['r 1', 'r 1'])
  })

  it('goes on from offsets and slot where that is asked for: no row twice, none lost', async () => {
    await leave('kept')
    await world.sql(`INSERT INTO public.orders VALUES (2, 'between')`)
    await world.startOperator()
    await make('kept')
    const refused = await world.until(
      'SlotExistsBeforeSnapshot',
      'Source',
      'kept',
      says('SourceRetained', 'SlotExistsBeforeSnapshot'),
    )
    expect(condition(refused, 'Stalled')?.message).toContain('set adoptionPolicy to Adopt')
    expect(await stateOf('kept')).toBeUndefined()
    await make('kept', { adoptionPolicy: 'Adopt' })
    await isReady('kept')
    await eventually('the row between has arrived', 30_000, async () =>
      (await ordersOf('kept')).includes('c 2') ? true : undefined,
    )
    expect((await ordersOf('kept')).sort()).toEqual(['c 2', 'r 1'])
  })

  it('does not run on offsets that the slot has left behind, adopted or not', async () => {
    await leave('moved')
    await world.sql(`INSERT INTO public.orders VALUES (3, 'skipped')`)
    await world.sql(`select pg_replication_slot_advance('${slotOf('moved')}', pg_current_wal_lsn())`)
    await world.startOperator()
    await make('moved', { adoptionPolicy: 'Adopt' })
    const stale = await world.until(
      'StaleOffsetsFound',
      'Source',
      'moved',
      (object) => condition(object, 'Stalled')?.reason === 'StaleOffsetsFound',
      60_000,
    )
    expect(condition(stale, 'Stalled')?.message).toContain(
      `SELECT pg_drop_replication_slot('${slotOf('moved')}')`,
    )
    expect(await stateOf('moved')).toBe('STOPPED')
  })
})
