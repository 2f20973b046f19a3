import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseObjectName } from '../../src/api/names.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { dropSlot, makeSlot } from './slot.ts'
import { createWorld, type World } from './world.ts'

const limit = () => AbortSignal.timeout(20_000)

describe('a slot that somebody makes again under a connector that goes on', () => {
  let world: World
  const slotOf = (source: string) => databaseObjectName({ namespace: world.namespace, name: source })
  const connectorOf = (source: string) => `${world.namespace}.${source}`
  /** Nothing but rows moves the position: there is no heartbeat within the test. */
  const quiet = async (name: string) => {
    const spec = sourceSpec(world, [{ name: 'public.orders' }])
    const postgres = { ...spec.postgres, heartbeat: { interval: '10m' } }
    await world.apply('Source', name, { ...spec, postgres })
    await world.until('Ready', 'Source', name, ready('True', 'Streaming'), 20_000)
  }
  const isRead = (name: string) =>
    eventually('the new slot is read', 30_000, async () => {
      const [row] = await world.sql(
        `select active from pg_replication_slots where slot_name = '${slotOf(name)}'`,
      )
      return row?.['active'] === true ? true : undefined
    })
  const stored = async (name: string) =>
    (await world.connect.offsets(connectorOf(name), limit()))?.[0]?.offset ?? {}
  const lost = (name: string) =>
    world.until('OffsetBehindSlot', 'Source', name, says('SourceRetained', 'OffsetBehindSlot'), 30_000)
  const isStopped = (name: string) =>
    eventually('the connector is stopped', 30_000, async () => {
      const state = (await world.connect.connectors(limit())).get(connectorOf(name))?.status?.state
      return state === 'STOPPED' ? true : undefined
    })

  beforeAll(async () => {
    world = await createWorld('remade')
    await createTable(world, 'public.orders', 1)
    await world.sql('CREATE TABLE public.noise (id int)')
    await world.apply('Backbone', 'main', backboneSpec())
  })
  afterAll(() => world?.close())

  it.each([1, 2, 3])('before a position of the stream was stored: seen (%d)', async (round) => {
    const name = `young${round}`
    await quiet(name)
    expect(await stored(name)).not.toHaveProperty('lsn_proc')
    world.operator().pause()
    await dropSlot(world, slotOf(name))
    await world.sql(`INSERT INTO public.orders VALUES (${100 + round}, 'lost')`)
    await makeSlot(world, slotOf(name))
    await isRead(name)
    world.operator().resume()
    await lost(name)
    await isStopped(name)
  })

  it.each([1, 2, 3])(
    'and its position is already beyond what was lost: seen all the same (%d)',
    async (round) => {
      const name = `late${round}`
      await quiet(name)
      for (let n = 0; n < 30; n += 1) await world.sql('INSERT INTO public.noise VALUES (1)')
      await eventually('it was looked at', 30_000, async () => {
        const [row] = await world.sql(
          `select total_txns::int as count from pg_stat_replication_slots where slot_name = '${slotOf(name)}'`,
        )
        return Number(row?.['count']) >= 30 ? true : undefined
      })
      await new Promise((resolve) => setTimeout(resolve, 6_000))
      world.operator().pause()
      await dropSlot(world, slotOf(name))
      await world.sql(`INSERT INTO public.orders VALUES (${200 + round}, 'lost')`)
      await makeSlot(world, slotOf(name))
      await isRead(name)
      await world.sql(`INSERT INTO public.orders VALUES (${300 + round}, 'delivered')`)
      await eventually('a position of the stream is stored', 30_000, async () =>
        (await stored(name))['lsn_proc'] === undefined ? undefined : true,
      )
      world.operator().resume()
      await lost(name)
      await isStopped(name)
      expect(condition(await world.get('Source', name), 'SourceRetained')?.message).toMatch(
        /was moved by another hand, which dropped it and made it again/,
      )
    },
  )
})
