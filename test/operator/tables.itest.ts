import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SourceSpec, SourceStatus } from '../../src/api/source/index.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { sameRows } from './rows.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)

describe('tables of a Source that runs', () => {
  let world: World
  const make = (tables: SourceSpec['tables']) => world.apply('Source', 'shop', sourceSpec(world, tables))
  const copied = (withinMs = 60_000) =>
    world.until(
      'copied',
      'Source',
      'shop',
      (source) => ready('True', 'Streaming')(source) && says('SnapshotComplete', 'Completed')(source),
      withinMs,
    )
  const failedTasks = async () => {
    const view = (await world.connect.connectors(signal())).get(`${world.namespace}.shop`)
    return view?.status?.tasks.filter(({ state }) => state === 'FAILED') ?? []
  }

  beforeAll(async () => {
    world = await createWorld('tab')
    await createTable(world, 'public.orders', 3)
    await createTable(world, 'public.items', 5_000)
    await world.apply('Backbone', 'main', backboneSpec())
    await make([{ name: 'public.orders' }])
    await copied()
  })
  afterAll(() => world?.close())

  it('one that is added gets the rows that it had, and every change', async () => {
    const writer = new AbortController()
    const writing = write(world, writer.signal)
    await make([{ name: 'public.orders' }, { name: 'public.items' }])
    const source = await copied()
    writer.abort()
    await writing
    expect((source.status as SourceStatus).snapshot).toMatchObject({ state: 'Completed', tables: '2/2' })
    await sameRows(world, 'public.items')
    expect(condition(source, 'TablesCaptured')?.status).toBe('True')
  })
})

/** Changes rows of public.items until the signal aborts. */
async function write(world: World, until: AbortSignal): Promise<void> {
  for (let n = 1; !until.aborted; n += 1) {
    await world.sql(`UPDATE public.items SET note = 'changed ${n}' WHERE id = ${((n * 37) % 5_000) + 1}`)
    await world.sql(`DELETE FROM public.items WHERE id = ${((n * 91) % 5_000) + 1}`)
    await world.sql(`INSERT INTO public.items VALUES (${10_000 + n}, 'new ${n}')`)
  }
}
