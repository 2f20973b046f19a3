import { eventually } from '../../test/operator/eventually.ts'
import type { World } from '../../test/operator/world.ts'
import type { Drill } from './drill.ts'

const ROWS = 'generate_series(100001, 400000)'

/** 8: the first snapshot is cut off before it ends, and begins anew. */
export const snapshotRestarting: Drill = {
  number: 8,
  failure: 'first snapshot cut off and begun anew',
  beside: 'Others',
  shown: {
    condition: 'SnapshotComplete',
    reason: 'SnapshotRestarting',
    message: /begun anew \d+ times: see the worker's log.*spec\.tables/,
    ready: 'True',
  },
  prepare: async ({ world }) => {
    await world.sql(`INSERT INTO public.orders SELECT n, 'row ' || n FROM ${ROWS} n`)
  },
  cause: async ({ world, apply, work }) => {
    await apply()
    await cutOff(world)
    await work()
    await cutOff(world)
  },
  // What cut it off is over.
  remedy: async () => undefined,
}

/** Ends the connection by which a snapshot reads its table. */
async function cutOff({ sql, role }: World): Promise<void> {
  await eventually('a snapshot is cut off', 30_000, async () => {
    const cut = await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE usename = '${role}' AND query LIKE 'SELECT%"public"."orders"%'`)
    return cut.length > 0 ? true : undefined
  })
}
