import { type Client, createClient } from '@penstock/client'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { SourceStatus } from '../../src/api/source/index.ts'
import { createPostgresClient } from '../../src/clients/postgres.ts'
import { readColumnFacts } from '../../src/sources/postgres/facts.ts'
import { eventually } from './eventually.ts'
import { type GatewayProcess, startGatewayOf } from './gateway-process.ts'
import { backboneSpec, ready, says, sourceSpec } from './objects.ts'
import { LARGE } from './types/large.ts'
import { SPECIMENS } from './types/specimens.ts'
import { DEFINITIONS } from './types/wires.ts'
import { createWorld, type World } from './world.ts'

type Values = Readonly<Record<string, unknown>>

const ROWS = Math.max(...SPECIMENS.map(({ values }) => values.length))
const COLUMNS = SPECIMENS.map(({ column }) => column).join(', ')
const LARGE_COLUMNS = LARGE.map(({ column }) => column).join(', ')

/** The values of a row as SQL; every specimen gives its next one, and begins anew after its last. */
const literals = (at: number): string =>
  SPECIMENS.map(
    ({ type, values }) => `'${(values[at % values.length] ?? '').replaceAll("'", "''")}'::${type}`,
  ).join(', ')

describe('from PostgreSQL to a client, by type', () => {
  let world: World
  let gateway: GatewayProcess
  let client: Client
  let pages: Readonly<Record<'everything' | 'large', ReturnType<ReturnType<Client['view']>['subscribe']>>>

  /** What PostgreSQL says of the rows, as it is to arrive, by key. */
  const wanted = async (): Promise<ReadonlyMap<string, Values>> => {
    const wires = SPECIMENS.map(
      ({ column, wire }) => `case when ${column} is null then null else ${wire(column)} end as ${column}`,
    )
    const rows = await world.sql(`select id, ${wires.join(', ')} from public.everything order by id`)
    return new Map(rows.map(({ id, ...values }) => [String(id), values]))
  }
  const shown = (key: string): Values | undefined => pages.everything.getSnapshot(key)?.row
  /** Compares what a client holds with the table; a column that never arrives counts as null. */
  const expectTable = async () => {
    const rows = await wanted()
    await eventually('the client has as many rows as the table', 30_000, async () =>
      pages.everything.list().length === rows.size ? true : undefined,
    )
    for (const [key, values] of rows) {
      const row = shown(key) ?? {}
      const held = Object.keys(values).map((column) => [column, withoutWkb(row[column] ?? null)])
      expect(Object.fromEntries(held), `row ${key}`).toEqual(values)
    }
  }

  beforeAll(async () => {
    world = await createWorld('types')
    await world.sql(DEFINITIONS)
    await world.sql('CREATE DOMAIN long_text AS text')
    await world.sql(`ALTER DATABASE ${world.database} SET timezone = 'UTC'`)
    const columns = SPECIMENS.map(({ column, type }) => `${column} ${type}`).join(', ')
    await world.sql(`CREATE TABLE public.everything (id int primary key, ${columns})`)
    for (let at = 0; at < ROWS; at++)
      await world.sql(`INSERT INTO public.everything VALUES (${at}, ${literals(at)})`)
    await world.sql('INSERT INTO public.everything VALUES (99)')
    const large = LARGE.map(({ column, type }) => `${column} ${type}`).join(', ')
    await world.sql(
      `CREATE TABLE public.large (id int primary key, n int, ${large}) WITH (toast_tuple_target = 128)`,
    )
    for (const { column } of LARGE)
      await world.sql(`ALTER TABLE public.large ALTER ${column} SET STORAGE EXTERNAL`)
    await world.sql(
      `INSERT INTO public.large SELECT 1, 1, ${LARGE.map(({ type, value }) => `(${value})::${type}`).join(', ')}`,
    )
    for (const table of ['everything', 'large'])
      await world.sql(`ALTER TABLE public.${table} OWNER TO ${world.role}`)

    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply(
      'Source',
      'shop',
      sourceSpec(world, [{ name: 'public.everything' }, { name: 'public.large' }]),
    )
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), 60_000)
    const input = (name: string) => ({ name, sourceRef: { name: 'shop' }, table: `public.${name}` })
    await world.apply('Pipeline', 'p', {
      backboneRef: { name: 'main' },
      inputs: [input('everything'), input('large')],
      views: ['everything', 'large'].map((name) => ({ name, from: [name] })),
    })
    await world.until('made', 'Pipeline', 'p', says('GatewayAvailable', 'PodsNotReady'))
    gateway = await startGatewayOf(world, 'p')
    client = createClient({ url: gateway.url })
    pages = { everything: client.view('everything').subscribe(), large: client.view('large').subscribe() }
  })
  afterAll(async () => {
    client?.stop()
    await gateway?.stop()
    await world?.close()
  })

  it('rows of the snapshot arrive as the table has them', expectTable)

  it('so do inserted rows', async () => {
    for (let at = 0; at < ROWS; at++)
      await world.sql(`INSERT INTO public.everything VALUES (${100 + at}, ${literals(at)})`)
    await expectTable()
  })

  it('and updated ones', async () => {
    for (let at = 0; at < ROWS; at++) {
      const id = at % 2 === 0 ? at : 100 + at
      await world.sql(`UPDATE public.everything SET (${COLUMNS}) = ROW(${literals(at + 1)}) WHERE id = ${id}`)
    }
    await world.sql(`INSERT INTO public.everything VALUES (300)`)
    await expectTable()
  })

  it('deleted ones are gone', async () => {
    await world.sql('DELETE FROM public.everything WHERE id % 2 = 0')
    await expectTable()
    expect(shown('1')).toBeDefined()
  })

  it('preflight knows which values do not arrive, or not whole', async () => {
    const status = (await world.get('Source', 'shop'))?.status as SourceStatus | undefined
    const found = (check: string) =>
      status?.preflight?.filter((finding) => finding.check === check).map((finding) => finding.found)
    expect(found('UnsupportedType')?.join()).toMatch(
      /c_interval_array, c_money_array, c_point_array, c_name_array, c_xml_array and 1 more/,
    )
    expect(found('LossyType')?.join()).toMatch(
      /c_bit_varying \(its zeros in front\), c_time_array \(its microseconds\)/,
    )
  })

  describe('a large value that an UPDATE leaves alone', () => {
    const page = () => pages.large.getSnapshot('1')?.row ?? {}
    const update = async (n: number): Promise<Values> => {
      await world.sql(`UPDATE public.large SET n = ${n}`)
      await eventually(`the update to ${n} is shown`, 20_000, async () =>
        page()['n'] === n ? true : undefined,
      )
      return page()
    }
    let before: Values
    const facts = async () => {
      const { host, port } = inject('testBed').postgres
      const { database, role, password } = world
      const postgres = createPostgresClient({
        host,
        port,
        database,
        username: role,
        password,
        tls: { mode: 'disable' },
      })
      const [large] = await readColumnFacts(postgres, ['public.large'], AbortSignal.timeout(20_000))
      await postgres.close()
      return large
    }

    it('stays, but for types whose values come as null, which preflight names', async () => {
      before = await eventually('the row is shown', 20_000, async () =>
        Object.keys(page()).length > 0 ? page() : undefined,
      )
      expect(LARGE.filter(({ column }) => before[column] == null)).toEqual([])
      const after = await update(2)
      const nulls = LARGE.map(({ column }) => column).filter((column) => after[column] === null)
      const large = await facts()
      expect(large?.toastable).toEqual(LARGE.map(({ column }) => column))
      expect(nulls).toEqual(large?.nulled)
      const kept = LARGE.map(({ column }) => column).filter((column) => !nulls.includes(column))
      for (const column of kept) expect(after[column], column).toEqual(before[column])
    })

    it('stays whatever its type under REPLICA IDENTITY FULL, which is what preflight says', async () => {
      await world.sql('ALTER TABLE public.large REPLICA IDENTITY FULL')
      expect(await update(3)).toEqual({ ...before, n: 3 })
      expect(await facts()).toMatchObject({ toastable: [], nulled: [] })
    })

    it('may be changed itself', async () => {
      await world.sql(
        `UPDATE public.large SET (${LARGE_COLUMNS}) = ROW(${LARGE.map(() => 'NULL').join(', ')})`,
      )
      await eventually('all is null', 20_000, async () =>
        LARGE.every(({ column }) => page()[column] === null) ? true : undefined,
      )
    })
  })
})

/** Debezium's points carry their well-known binary form too. */
function withoutWkb(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('wkb' in value)) return value
  const { wkb: _, ...rest } = value
  return rest
}
