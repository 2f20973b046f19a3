import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { backboneSpec, ready, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

describe('a partitioned table', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld('part')
    await world.sql('CREATE TABLE public.visits (id int primary key, note text) PARTITION BY RANGE (id)')
    await world.sql('CREATE TABLE public.visits_1 PARTITION OF public.visits FOR VALUES FROM (0) TO (1000)')
    for (const name of ['visits', 'visits_1'])
      await world.sql(`ALTER TABLE public.${name} OWNER TO ${world.role}`)
    await world.sql(`INSERT INTO public.visits VALUES (1, 'before')`)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.visits' }]))
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), 40_000)
  })
  afterAll(() => world?.close())

  it('has its partitions’ rows and changes in one topic of its own name, new partitions included', async () => {
    await world.sql(
      'CREATE TABLE public.visits_2 PARTITION OF public.visits FOR VALUES FROM (1000) TO (2000)',
    )
    await world.sql(`INSERT INTO public.visits VALUES (2, 'after'), (1001, 'elsewhere')`)
    const rows = await eventually('3 records', 20_000, async () => {
      const records = await world.records(`${world.namespace}.shop.public.visits`)
      return records.length >= 3 ? records : undefined
    })
    const after = rows.map((record) => (record as { after: unknown }).after)
    expect(after).toHaveLength(3)
    expect(after).toEqual(
      expect.arrayContaining([
        { id: 1, note: 'before' },
        { id: 2, note: 'after' },
        { id: 1001, note: 'elsewhere' },
      ]),
    )
  })
})
