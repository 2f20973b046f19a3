import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SourceStatus } from '../../src/api/source/index.ts'
import { backboneSpec, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const HISTORY = { policy: 'History', retention: '1d' } as const

describe('the preflight of a Source', () => {
  let world: World
  const seen = async () => {
    const source = await world.get('Source', 'shop')
    return (source?.status as SourceStatus | undefined)?.preflight ?? []
  }
  beforeAll(async () => {
    world = await createWorld('pre')
    await createTable(world, 'public.orders', 1)
    await world.sql('CREATE TABLE public.bare (a int, g int GENERATED ALWAYS AS (a + 1) STORED, m money[])')
    await world.sql(`ALTER TABLE public.bare OWNER TO ${world.role}`)
    await createTable(world, 'public.stories', 1)
    await world.sql(
      `INSERT INTO public.stories SELECT 0, string_agg(md5(n::text), '') FROM generate_series(1, 500) n`,
    )
    await world.sql(`ALTER ROLE ${world.role} NOREPLICATION`)
    await world.apply('Backbone', 'main', backboneSpec())
    const tables = [
      { name: 'public.orders' },
      { name: 'public.stories' },
      { name: 'public.bare', topic: HISTORY },
      { name: 'public.none' },
    ]
    await world.apply('Source', 'shop', sourceSpec(world, tables))
    await world.until('found', 'Source', 'shop', says('PreflightPassed', 'RoleMayNotReplicate'))
  })
  afterAll(() => world?.close())

  it('says everything at once, errors first', async () => {
    const found = (await seen()).map(({ check, level, table }) => `${level} ${check} ${table}`.trim())
    expect(found).toEqual([
      'Error RoleMayNotReplicate',
      'Error NoReplicaIdentity public.bare',
      'Error TableNotFound public.none',
      'Warning LogUnbounded',
      'Warning NotEncrypted',
      'Warning ToastWithoutFull public.stories',
      'Warning UnsupportedType public.bare',
      'Warning GeneratedColumn public.bare',
    ])
  })

  it('no table was published that its application could no longer change', async () => {
    expect(await world.sql('select * from pg_publication_tables')).toEqual([])
    await world.sql('INSERT INTO public.bare (a) VALUES (1)')
    await world.sql('UPDATE public.bare SET a = 2')
  })

  it('what it says repairs it, and warnings alone do not block', async () => {
    await world.sql(`ALTER ROLE ${world.role} REPLICATION`)
    for (const { check, remedy } of await seen()) {
      if (check === 'NoReplicaIdentity') await world.sql(remedy)
    }
    await createTable(world, 'public.none', 1)
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), 60_000)
    expect((await seen()).filter(({ level }) => level === 'Error')).toEqual([])
    expect((await seen()).map(({ check }) => check)).toContain('GeneratedColumn')
  })
})
