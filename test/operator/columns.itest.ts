import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, ready, says, sourceSpec } from './objects.ts'
import { viewOf } from './rows.ts'
import { createWorld, type World } from './world.ts'

const TABLES = ['public.included', 'public.excluded', 'public.whole']

describe('columns of tables', () => {
  let world: World
  /** Columns of the row with this id, as readers of the table's topic see it. */
  const columnsOf = (table: string, id: number) =>
    eventually(`row ${id} of ${table} has come`, 30_000, async () => {
      const rows = [...(await viewOf(world, `${world.namespace}.shop.${table}`)).values()]
      const row = rows.find((one) => (one as { id?: number }).id === id)
      return row ? Object.keys(row as object).sort() : undefined
    })

  beforeAll(async () => {
    world = await createWorld('columns')
    for (const table of TABLES) {
      await world.sql(`CREATE TABLE ${table} (id int primary key, note text, card_no text)`)
      await world.sql(`ALTER TABLE ${table} OWNER TO ${world.role}`)
      await world.sql(`INSERT INTO ${table} VALUES (1, 'copied', '4111')`)
    }
    await world.apply('Backbone', 'main', backboneSpec())
    const tables = [
      { name: 'public.included', columns: { include: ['id', 'note'] } },
      { name: 'public.excluded', columns: { exclude: ['card_no'] } },
      { name: 'public.whole' },
    ]
    await world.apply('Source', 'shop', sourceSpec(world, tables))
    await world.until('Streaming', 'Source', 'shop', ready('True', 'Streaming'), 60_000)
  })
  afterAll(() => world?.close())

  it.each([
    ['public.included', ['id', 'note']],
    ['public.excluded', ['id', 'note']],
    ['public.whole', ['card_no', 'id', 'note']],
  ])('%s: those that are left out are in no record, copied or streamed', async (table, expected) => {
    expect(await columnsOf(table, 1)).toEqual(expected)
    await world.sql(`INSERT INTO ${table} VALUES (2, 'streamed', '4222')`)
    expect(await columnsOf(table, 2)).toEqual(expected)
  })

  it.each([
    ['public.included', ['id', 'note']],
    ['public.excluded', ['iban', 'id', 'note']],
  ])('%s: a column that is added later', async (table, expected) => {
    await world.sql(`ALTER TABLE ${table} ADD COLUMN iban text`)
    await world.sql(`INSERT INTO ${table} VALUES (3, 'later', '4333', 'DE00')`)
    expect(await columnsOf(table, 3)).toEqual(expected)
  })

  it('a key that is left out is named before anything is captured', async () => {
    const tables = [{ name: 'public.whole', columns: { include: ['note'] } }]
    await world.apply('Source', 'keyless', sourceSpec(world, tables))
    const source = await world.until(
      'refused',
      'Source',
      'keyless',
      says('PreflightPassed', 'KeyColumnLeftOut'),
    )
    expect(condition(source, 'PreflightPassed')?.message).toMatch(/public\.whole: id belongs to the key/)
  })
})
