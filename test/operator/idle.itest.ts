import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { eventually } from './eventually.ts'
import { backboneSpec, createTable, ready, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const MIB = 2 ** 20
const ROUNDS = 3
const NOISE_BYTES = 24 * MIB

describe('a Source on an idle database', () => {
  let world: World
  const neighbour = new Client({ connectionString: inject('testBed').postgres.superuserUrl })
  const metric = (name: string) =>
    world.operator().metric(`${name}{kind="Source",namespace="${world.namespace}",name="shop",hop=""}`)
  const slot = async () => {
    const [row] = await world.sql(
      `select (confirmed_flush_lsn - '0/0')::float8 as confirmed, (pg_current_wal_lsn() - restart_lsn)::float8 as retained
       from pg_replication_slots where database = '${world.database}'`,
    )
    return { confirmed: Number(row?.['confirmed']), retained: Number(row?.['retained']) }
  }
  beforeAll(async () => {
    world = await createWorld('idle')
    await createTable(world, 'public.orders', 1)
    await neighbour.connect()
    await neighbour.query(`CREATE TABLE public.${world.role} (note text)`)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }]))
    await world.until('Streaming', 'Source', 'shop', ready('True', 'Streaming'))
  })
  afterAll(async () => {
    await neighbour.query(`DROP TABLE IF EXISTS public.${world.role}`)
    await neighbour.end()
    await world?.close()
  })

  it('its slot moves on while a neighbour writes, so that the log kept for it does not grow', {
    timeout: 240_000,
  }, async () => {
    const written = `INSERT INTO public.${world.role} SELECT repeat(md5(n::text), 32) FROM generate_series(1, ${NOISE_BYTES / 1_024}) n`
    for (let round = 0; round < ROUNDS; round++) {
      const before = await slot()
      await neighbour.query(written)
      await eventually(`the slot has left the noise of round ${round} behind`, 60_000, async () => {
        const { confirmed, retained } = await slot()
        return confirmed - before.confirmed >= NOISE_BYTES && retained < NOISE_BYTES / 2 ? true : undefined
      })
    }
    await eventually('the metric says so too', 30_000, async () => {
      const retained = await metric('penstock_source_retained_bytes')
      return retained > 0 && retained < NOISE_BYTES / 2 ? true : undefined
    })
  })

  it('its rows a second and the time of its last row are metrics', async () => {
    expect(await metric('penstock_source_last_event_timestamp_seconds')).toBe(0)
    const begun = Date.now() / 1_000
    await world.sql("INSERT INTO public.orders SELECT n, 'more' FROM generate_series(2, 501) n")
    await eventually('they are counted', 30_000, async () =>
      (await metric('penstock_source_rows_per_second')) > 1 ? true : undefined,
    )
    const last = await metric('penstock_source_last_event_timestamp_seconds')
    expect(last).toBeGreaterThan(begun)
    expect(last).toBeLessThanOrEqual(Date.now() / 1_000)
  })
})
