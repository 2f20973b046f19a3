import { Client } from 'pg'
import { dropSlot } from '../../test/operator/slot.ts'
import type { World } from '../../test/operator/world.ts'
import type { Drill } from './drill.ts'
import { statementsIn } from './statements.ts'

/** 1: the server was told to keep less log than a Source that stood still needs. */
export const slotLost: Drill = {
  number: 1,
  failure: 'slot lost to max_slot_wal_keep_size',
  beside: 'Nobody',
  shown: {
    condition: 'SourceRetained',
    reason: 'SlotLost',
    message: /slot \w+.*max_slot_wal_keep_size.*Set snapshot.mode to WhenNeeded/,
    ready: 'False',
  },
  cause: async (stage) => {
    const { sql } = stage.world
    await stage.stopped()
    await sql(`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`)
    await sql('SELECT pg_reload_conf()')
    await stage.work()
    await fillLog(stage.world, 48)
  },
  remedy: async (stage) => {
    await restoreKeepSize(stage.world)
    await stage.apply({ state: 'Running', snapshot: { mode: 'WhenNeeded' } })
  },
  restore: ({ world }) => restoreKeepSize(world),
}

/** 2: somebody drops the slot of a Source that runs. */
export const slotDropped: Drill = {
  number: 2,
  failure: 'slot dropped under a running Source',
  beside: 'Others',
  shown: {
    condition: 'SourceRetained',
    reason: 'SlotMissing',
    message: /slot \w+ is gone.*Set snapshot.mode to WhenNeeded, or delete this Source/,
    ready: 'False',
  },
  cause: async ({ world, slot, work }) => {
    await dropSlot(world, slot)
    await work()
  },
  remedy: (stage) => stage.remake(),
}

/** 3: somebody makes a new slot of the same name, so that what lies between is skipped. */
export const slotRecreated: Drill = {
  number: 3,
  failure: 'slot dropped and made again by hand',
  beside: 'Others',
  shown: {
    condition: 'SourceRetained',
    reason: 'OffsetBehindSlot',
    message:
      /slot \w+ was moved \d+ bytes beyond the stored position.*Set snapshot.mode to WhenNeeded, or delete this Source/,
    ready: 'False',
  },
  cause: async (stage) => {
    const { world, slot } = stage
    await stage.stopped()
    await dropSlot(world, slot)
    await stage.work()
    await world.sql(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
    await stage.apply({ state: 'Running' })
  },
  remedy: (stage) => stage.remake(),
}

/** 3: the same under a Source that runs, whose connector finds the new slot at once. */
export const slotRecreatedRunning: Drill = {
  ...slotRecreated,
  failure: 'slot made again under a running Source',
  shown: {
    ...slotRecreated.shown,
    message: /slot \w+ was moved .*Set snapshot.mode to WhenNeeded, or delete this Source/,
  },
  cause: async ({ world, slot, work }) => {
    await dropSlot(world, slot)
    await work()
    await world.sql(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
  },
  remedy: (stage) => stage.apply({ snapshot: { mode: 'WhenNeeded' } }),
}

/** 6: another connector, or a person with psql, reads the slot. */
export const slotInUse: Drill = {
  number: 6,
  failure: 'another reader holds the slot',
  beside: 'Others',
  shown: {
    condition: 'SlotHealthy',
    reason: 'SlotInUse',
    message: /slot \w+ is read by process \d+ .*application spy.*SELECT pg_terminate_backend/,
    ready: 'False',
  },
  cause: async (stage) => {
    await stage.stopped()
    await readSlot(stage.world, stage.slot)
    await stage.apply({ state: 'Running' })
    await stage.work()
  },
  remedy: async ({ world }, message) => {
    for (const statement of statementsIn(message)) await world.sql(statement)
  },
}

async function readSlot({ bed, database }: World, slot: string): Promise<void> {
  const url = new URL(bed.postgres.superuserUrl)
  url.pathname = `/${database}`
  url.searchParams.set('replication', 'database')
  const reader = new Client({ connectionString: url.href, application_name: 'spy' })
  reader.on('error', () => undefined)
  await reader.connect()
  const options = `proto_version '1', publication_names '${slot}'`
  reader.query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (${options})`).catch(() => undefined)
}

/** Writes about so many segments of 16 MB, and lets the server throw away what nothing holds. */
export async function fillLog({ sql }: World, megabytes: number): Promise<void> {
  await sql('CREATE TABLE IF NOT EXISTS public.noise (filler text)')
  for (let done = 0; done < megabytes; done += 16) {
    await sql(`INSERT INTO public.noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, 14000) n`)
    await sql('SELECT pg_switch_wal()')
  }
  await sql('CHECKPOINT')
}

async function restoreKeepSize({ sql }: World): Promise<void> {
  await sql('ALTER SYSTEM RESET max_slot_wal_keep_size')
  await sql('SELECT pg_reload_conf()')
}
