import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SourceSpec, SourceStatus } from '../../src/api/source/index.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { sameRows, viewOf } from './rows.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)
const ORDERS = { name: 'public.orders' }
const ITEMS = { name: 'public.items' }

describe('tables of a Source that runs', () => {
  let world: World
  const make = (tables: SourceSpec['tables']) => world.apply('Source', 'shop', sourceSpec(world, tables))
  const copied = () =>
    world.until(
      'copied',
      'Source',
      'shop',
      (source) => ready('True', 'Streaming')(source) && says('SnapshotComplete', 'Completed')(source),
      60_000,
    )
  const view = async () => (await world.connect.connectors(signal())).get(`${world.namespace}.shop`)
  const failed = async () => (await view())?.status?.tasks.filter(({ state }) => state === 'FAILED')
  const published = () => world.sql('select tablename from pg_publication_tables order by 1')
  const topic = (table: string) => `${world.namespace}.shop.${table}`
  const reads = async (table: string) =>
    (await world.records(topic(table))).filter(
      (record) => (record as { op?: string } | undefined)?.op === 'r',
    )

  beforeAll(async () => {
    world = await createWorld('tab')
    await createTable(world, 'public.orders', 3)
    await createTable(world, 'public.items', 5_000)
    await world.apply('Backbone', 'main', backboneSpec())
    await make([ORDERS])
    await copied()
  })
  afterAll(() => world?.close())

  it('one that is added gets the rows that it had, and every change meanwhile', async () => {
    const writer = new AbortController()
    const writing = write(world, writer.signal)
    await make([ORDERS, ITEMS])
    const source = await copied()
    writer.abort()
    await writing
    expect((source.status as SourceStatus).snapshot).toMatchObject({ state: 'Completed', tables: '2/2' })
    expect(condition(source, 'TablesCaptured')?.status).toBe('True')
    await sameRows(world, 'public.items')
  })

  it('copies nothing again when the status is wiped, the operator starts anew, or nothing changes', async () => {
    const before = [await reads('public.orders'), await reads('public.items')]
    await world.stopOperator()
    await world.wipeStatus('Source', 'shop')
    await world.startOperator()
    await copied()
    expect([await reads('public.orders'), await reads('public.items')]).toEqual(before)
  })

  it('one that is taken out sends nothing any more, and its topic stays and is told of', async () => {
    const former = await viewOf(world, topic('public.items'))
    await make([ORDERS])
    const source = await copied()
    expect(await published()).toEqual([{ tablename: 'orders' }])
    expect(await failed()).toEqual([])
    expect((source.status as SourceStatus).topics).toMatchObject({
      names: [topic('public.orders')],
      retained: [topic('public.items')],
    })
    await world.sql(`UPDATE public.items SET note = 'unheard of' WHERE id % 2 = 0`)
    await world.sql('DELETE FROM public.items WHERE id % 3 = 0')
    await world.sql(`INSERT INTO public.orders VALUES (100, 'heard of')`)
    await sameRows(world, 'public.orders')
    expect(await viewOf(world, topic('public.items'))).toEqual(former)
  })

  it('added again over its old topic, rows that were deleted meanwhile are not in it', async () => {
    const writer = new AbortController()
    const writing = write(world, writer.signal)
    await make([ORDERS, ITEMS])
    await copied()
    writer.abort()
    await writing
    await sameRows(world, 'public.items')
    expect(await failed()).toEqual([])
  })

  it('an operator that is killed at any point of it goes on with it', async () => {
    await make([ORDERS])
    await copied()
    await world.sql('DELETE FROM public.items WHERE id % 5 = 0')
    await world.sql(`UPDATE public.items SET note = 'missed' WHERE id % 7 = 0`)
    await make([ORDERS, ITEMS])
    const before = await world.records(topic('signals'))
    const stages: Readonly<Record<string, () => Promise<boolean>>> = {
      'it is written down that it is to be copied': async () =>
        latest(await world.records(topic('copies'))) === 'Copying',
      'the connector captures it': async () =>
        (await view())?.config['table.include.list']?.includes('items') ?? false,
      'the connector is asked for its rows': async () =>
        (await world.records(topic('signals'))).length > before.length,
    }
    for (const [stage, isReached] of Object.entries(stages)) {
      await eventually(stage, 30_000, async () => ((await isReached()) ? true : undefined))
      await world.operator().kill()
      await world.stopOperator()
      await world.startOperator()
    }
    await copied()
    await sameRows(world, 'public.items')
  })

  it('made again over retained topics, rows that were deleted meanwhile are in none of them', async () => {
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
    await world.sql('DELETE FROM public.items WHERE id % 11 = 0')
    await world.sql('DELETE FROM public.orders WHERE id = 2')
    await make([ORDERS, ITEMS])
    await copied()
    await sameRows(world, 'public.items')
    await sameRows(world, 'public.orders')
  })
})

/** What the topic of copies said last. */
const latest = (records: readonly unknown[]): unknown =>
  (records.at(-1) as { state?: unknown } | undefined)?.state

/** Changes rows of public.items until the signal aborts, no faster than a starved connector follows. */
async function write(world: World, until: AbortSignal): Promise<void> {
  const [{ last } = {}] = await world.sql('select coalesce(max(id), 0) as last from public.items')
  const first = Number(last) + 1
  for (let n = 0; !until.aborted; n += 1) {
    await world.sql(`UPDATE public.items SET note = 'changed ${n}' WHERE id = ${((n * 37) % 5_000) + 1}`)
    await world.sql(`DELETE FROM public.items WHERE id = ${((n * 91) % 5_000) + 1}`)
    await world.sql(`INSERT INTO public.items VALUES (${first + n}, 'new ${n}')`)
    // Rows that were gone come back, also while what is left of them is swept away.
    const back = `(${((n * 53) % 5_000) + 1}, 'back ${n}')`
    await world.sql(`INSERT INTO public.items VALUES ${back} ON CONFLICT DO NOTHING`)
    await delay(5)
  }
}
