import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { eventually } from './eventually.ts'
import { backboneSpec, ready, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const ROWS = 20_000
const BALANCE = 1_000
const WRITERS = 2
const TABLES = ['accounts', 'vaults'] as const

interface Moved {
  readonly op: string
  readonly after: { readonly id: number; readonly balance: number }
  readonly source: { readonly ts_ms: number }
  /** When the connector read it, milliseconds since 1970. */
  readonly ts_ms: number
}

describe('an initial snapshot under a writer that moves money', () => {
  let world: World
  const changes = async (table: string): Promise<readonly Moved[]> =>
    (await world.records(`${world.namespace}.shop.public.${table}`)).filter(
      (record): record is Moved => record !== undefined,
    )
  const sum = (all: readonly Moved[]): number => all.reduce((total, { after }) => total + after.balance, 0)
  let records: Readonly<Record<(typeof TABLES)[number], readonly Moved[]>>

  beforeAll(async () => {
    world = await createWorld('snap')
    for (const table of TABLES) {
      await world.sql(`CREATE TABLE public.${table} (id int primary key, balance bigint)`)
      await world.sql(`ALTER TABLE public.${table} OWNER TO ${world.role}`)
      await world.sql(`INSERT INTO public.${table} SELECT n, ${BALANCE} FROM generate_series(1, ${ROWS}) n`)
    }
    await world.apply('Backbone', 'main', backboneSpec())
    await world.until('Ready', 'Backbone', 'main', ready('True'))
    const stop = new AbortController()
    const writers = Array.from({ length: WRITERS }, () => moveMoney(world.database, stop.signal))
    // Compaction would take away rows of the snapshot.
    const topic = { policy: 'History', retention: '1d' } as const
    const tables = TABLES.map((table) => ({ name: `public.${table}`, topic }))
    try {
      await world.apply('Source', 'shop', sourceSpec(world, tables))
      await world.until('Streaming', 'Source', 'shop', ready('True', 'Streaming'), 90_000)
    } finally {
      stop.abort()
      await Promise.all(writers)
    }
    const [end] = await world.sql('select pg_current_wal_lsn()::text as lsn')
    await eventually('all that was written is in Kafka', 60_000, async () => {
      const [slot] = await world.sql(
        `select confirmed_flush_lsn >= '${String(end?.['lsn'])}' as there from pg_replication_slots where database = '${world.database}'`,
      )
      return slot?.['there'] === true ? true : undefined
    })
    records = { accounts: await changes('accounts'), vaults: await changes('vaults') }
  })
  afterAll(() => world?.close())

  it('the snapshot alone conserves the sum, though money moved while it was read', () => {
    const all = [...records.accounts, ...records.vaults]
    const read = all.filter(({ op }) => op === 'r')
    expect(read).toHaveLength(TABLES.length * ROWS)
    expect(sum(read)).toBe(TABLES.length * ROWS * BALANCE)
    const times = read.map(({ ts_ms }) => ts_ms)
    const [begun, ended] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))]
    const meanwhile = all.filter(
      ({ op, source }) => op === 'u' && source.ts_ms > begun && source.ts_ms < ended,
    )
    expect(meanwhile.length).toBeGreaterThan(100)
  })

  it.each(TABLES)('the snapshot and the stream together are the table %s', async (table) => {
    const replayed = new Map(records[table].map(({ after }) => [after.id, after.balance]))
    const rows = await world.sql(`select id, balance::int as balance from public.${table}`)
    expect(replayed.size).toBe(ROWS)
    expect(rows.filter(({ id, balance }) => replayed.get(Number(id)) !== balance)).toEqual([])
  })
})

/** Moves 1 to 100 between the tables, and within the first, over and over; one transaction each time. */
async function moveMoney(database: string, stopped: AbortSignal): Promise<void> {
  const url = new URL(inject('testBed').postgres.superuserUrl)
  url.pathname = `/${database}`
  const client = new Client({ connectionString: url.href })
  await client.connect()
  const anyRow = () => 1 + Math.floor(Math.random() * ROWS)
  while (!stopped.aborted) {
    const amount = 1 + Math.floor(Math.random() * 100)
    const [first, second] = [anyRow(), anyRow()].toSorted((a, b) => a - b)
    await client.query(`BEGIN; UPDATE accounts SET balance = balance - ${amount} WHERE id = ${first};
      UPDATE accounts SET balance = balance + 1 WHERE id = ${second};
      UPDATE vaults SET balance = balance + ${amount - 1} WHERE id = ${anyRow()}; COMMIT`)
  }
  await client.end()
}
