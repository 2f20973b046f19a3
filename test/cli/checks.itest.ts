import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { createTable, sourceSpec } from '../operator/objects.ts'
import { createWorld, type World } from '../operator/world.ts'
import { createLaptop, type Laptop } from './laptop.ts'

interface Shown {
  readonly check: string
  readonly level: string
  readonly table?: string
  readonly found: string
  readonly remedy: string
}

describe('what preflight finds on the real servers, and its remedies', () => {
  let world: World
  let laptop: Laptop
  const preflight = async (tables: readonly string[], more: object = {}): Promise<readonly Shown[]> => {
    const documents = [laptop.source(tables, more), laptop.backbone(), laptop.secret()]
    const { out, err } = await laptop.run('preflight', documents, '-o', 'json')
    expect(err).toBe('')
    const [found] = JSON.parse(out) as { findings: Shown[]; notAsked: string[] }[]
    expect(found?.notAsked).toEqual([])
    return (found?.findings ?? []).filter(({ check }) => check !== 'LogUnbounded' && check !== 'NotEncrypted')
  }
  const external = () => ({
    postgres: {
      ...sourceSpec(world, []).postgres,
      publication: { name: 'theirs', managementPolicy: 'External' },
    },
  })
  const checks = (found: readonly Shown[]) =>
    found.map(({ level, check, table }) => [level, check, table].filter(Boolean).join(' '))
  /** Each remedy as it stands, run as a superuser. */
  const repair = async (found: readonly Shown[]) => {
    for (const { remedy } of found) for (const statement of remedy.split('; ')) await world.sql(statement)
  }
  beforeAll(async () => {
    world = await createWorld('checks')
    laptop = await createLaptop(world)
    await createTable(world, 'public.orders', 1)
    await createTable(world, 'public.visits', 1)
    await world.sql('CREATE TABLE public.parts (id int primary key) PARTITION BY RANGE (id)')
    await world.sql(`ALTER TABLE public.parts OWNER TO ${world.role}`)
  })
  afterEach(() => world.sql('DROP PUBLICATION IF EXISTS theirs'))
  afterAll(async () => {
    await laptop?.close()
    await world?.close()
  })

  it('an external publication that is not there is made by the remedy', async () => {
    const found = await preflight(['public.orders', 'public.parts'], external())
    expect(checks(found)).toEqual(['Error PublicationMissing'])
    await repair(found)
    expect(await preflight(['public.orders', 'public.parts'], external())).toEqual([])
  })

  it('one that leaves out tables, partitions, operations, rows and columns is put right', async () => {
    await world.sql(
      `CREATE PUBLICATION theirs FOR TABLE public.orders (id) WHERE (id > 5), public.parts WITH (publish = 'insert, update')`,
    )
    const tables = ['public.orders', 'public.parts', 'public.visits']
    const found = await preflight(tables, external())
    expect(checks(found)).toEqual([
      'Error PublicationNotViaRoot',
      'Error PublicationLacksTables',
      'Error PublicationLacksOperations',
      'Warning PublicationFiltersRows public.orders',
      'Warning PublicationFiltersColumns public.orders',
    ])
    await repair(found)
    expect(await preflight(tables, external())).toEqual([])
  })

  it('a role that owns no table is told so before anything is made', async () => {
    await world.sql('CREATE TABLE public.foreign_one (id int primary key)')
    await world.sql(`GRANT SELECT ON public.foreign_one TO ${world.role}`)
    const found = await preflight(['public.foreign_one'])
    expect(checks(found)).toEqual(['Error PublicationNotPermitted'])
    expect(found[0]?.found).toMatch(/does not own public\.foreign_one/)
  })

  it('a transaction for which the slot would wait, and who holds it', async () => {
    const { superuserUrl } = inject('testBed').postgres
    const holder = new Client({ connectionString: superuserUrl.replace(/\/[^/]*$/, `/${world.database}`) })
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query('INSERT INTO public.orders VALUES (1000)')
    const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid')
    const ended = new Promise((resolve) => holder.on('error', resolve))
    // Its start is hidden from a plain role, which counts the transactions since.
    for (let i = 0; i < 110; i++) await world.sql('select txid_current()')
    const found = await preflight(['public.orders'])
    expect(checks(found)).toEqual(['Warning LongTransaction'])
    expect(found[0]?.remedy).toMatch(`pg_terminate_backend(${rows[0]?.pid})`)
    await repair(found.map((one) => ({ ...one, remedy: one.remedy.split(',')[0] ?? '' })))
    await ended
    expect(await preflight(['public.orders'])).toEqual([])
  })

  it('topics of others in the place of ours', async () => {
    const signal = AbortSignal.timeout(20_000)
    const topic = (table: string) => `${world.namespace}.shop.public.${table}`
    const head = { replicationFactor: 1, config: {} }
    await world.kafka.createTopics(
      [
        { ...head, name: topic('orders'), partitions: 9 },
        { ...head, name: topic('visits'), partitions: 2 },
      ],
      signal,
    )
    const found = await preflight(['public.orders', 'public.visits'])
    expect(checks(found)).toEqual([
      'Error PartitionsCannotShrink public.orders',
      'Warning TopicExists public.visits',
    ])
    expect(found[1]?.found).toMatch(/cleanup\.policy: delete → compact/)
    for (const table of ['orders', 'visits']) await world.kafka.deleteTopic(topic(table), signal)
  })
})
