import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SourceStatus } from '../../src/api/source/index.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, createTable, ready, says, sourceSpec } from './objects.ts'
import { sameRows } from './rows.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)

/** What is done to a table of 50 rows with columns id and note: `t` stands for its name. */
const DRILLS: Readonly<Record<string, { readonly table: string; readonly statements: readonly string[] }>> = {
  'values of a primary key are updated': {
    table: 'public.o_key',
    statements: ['UPDATE t SET id = id + 1000 WHERE id % 7 = 0', 'DELETE FROM t WHERE id = 1007'],
  },
  'a column is added': {
    table: 'public.o_added',
    statements: ['ALTER TABLE t ADD COLUMN plain text', 'DELETE FROM t WHERE id = 2'],
  },
  'a column is added with a default': {
    table: 'public.o_default',
    statements: [`ALTER TABLE t ADD COLUMN state text DEFAULT 'new'`, 'DELETE FROM t WHERE id = 3'],
  },
  'a column is renamed': {
    table: 'public.o_renamed',
    statements: ['ALTER TABLE t RENAME COLUMN note TO word', 'DELETE FROM t WHERE id = 4'],
  },
  'a column is dropped': {
    table: 'public.o_dropped',
    statements: ['ALTER TABLE t DROP COLUMN note', 'DELETE FROM t WHERE id = 5'],
  },
  'a column gets another type, and every row is written anew': {
    table: 'public.o_typed',
    statements: [
      'ALTER TABLE t ADD COLUMN amount int',
      'UPDATE t SET amount = id',
      `ALTER TABLE t ALTER COLUMN amount TYPE text USING 'n' || amount`,
      'DELETE FROM t WHERE id = 6',
    ],
  },
  'a table is truncated and filled anew': {
    table: 'public.o_truncated',
    statements: ['TRUNCATE t', `INSERT INTO t SELECT n, 'again ' || n FROM generate_series(20, 40) n`],
  },
  'a table is dropped and made again': {
    table: 'public.o_again',
    statements: [
      'DROP TABLE t',
      'CREATE TABLE t (id int primary key, word text)',
      `INSERT INTO t SELECT n, 'third ' || n FROM generate_series(30, 45) n`,
    ],
  },
}

describe('what an application does to its tables: in the end the topic says what the table does', () => {
  let world: World
  const run = async (table: string, statements: readonly string[]) => {
    for (const statement of statements) await world.sql(statement.replaceAll(/\bt\b/g, table))
  }
  const copied = () =>
    world.until(
      'copied',
      'Source',
      'shop',
      (source) => ready('True', 'Streaming')(source) && says('SnapshotComplete', 'Completed')(source),
      60_000,
    )

  beforeAll(async () => {
    world = await createWorld('ddl')
    for (const { table } of Object.values(DRILLS)) await createTable(world, table, 50)
    await createTable(world, 'public.others', 3)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.o*' }]))
    await copied()
    for (const { table, statements } of Object.values(DRILLS)) {
      await run(table, [...statements, `ALTER TABLE t OWNER TO ${world.role}`])
    }
  })
  afterAll(() => world?.close())

  it.each(Object.entries(DRILLS))('%s', async (_name, { table }) => {
    await sameRows(world, table)
    await run(table, ['INSERT INTO t (id) VALUES (500)', 'DELETE FROM t WHERE id = 30'])
    await sameRows(world, table)
  })

  it('a table that begins to match is added, with its rows', async () => {
    await createTable(world, 'public.offers', 20)
    await sameRows(world, 'public.offers')
    await world.sql('DELETE FROM public.offers WHERE id = 1')
    await sameRows(world, 'public.offers')
    const status = (await copied()).status as SourceStatus
    expect(status.topics?.names).toContain(`${world.namespace}.shop.public.offers`)
  })

  it('one that would no longer let its application change rows is left out, and said', async () => {
    await world.sql('CREATE TABLE public.odd (id int, note text)')
    await world.sql(`ALTER TABLE public.odd OWNER TO ${world.role}`)
    const source = await world.until('said', 'Source', 'shop', ({ status }) =>
      ((status as SourceStatus | undefined)?.preflight ?? []).some(
        ({ check, level, table }) =>
          check === 'NoReplicaIdentity' && level === 'Warning' && table === 'public.odd',
      ),
    )
    expect(ready('True')(source)).toBe(true)
    await world.sql(`INSERT INTO public.odd VALUES (1, 'a')`)
    await world.sql(`UPDATE public.odd SET note = 'b'`)
  })

  it('one that is dropped is taken out, and the others go on', async () => {
    await world.sql('DROP TABLE public.offers')
    const list = await eventually('it is captured no more', 60_000, async () => {
      const view = (await world.connect.connectors(signal())).get(`${world.namespace}.shop`)
      const tables = view?.config['table.include.list']
      return tables && !tables.includes('offers') ? tables : undefined
    })
    expect(list).toContain('others')
    await copied()
    await world.sql(`INSERT INTO public.others VALUES (77, 'on')`)
    await sameRows(world, 'public.others')
  })
})
