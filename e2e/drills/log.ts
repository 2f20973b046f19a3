import type { Drill } from './drill.ts'
import { fillLog } from './slots.ts'
import { statementsIn } from './statements.ts'

/** 4: heartbeats, which move the slot while its tables are idle, are forbidden, and a neighbour writes on. */
export const notAdvancing: Drill = {
  number: 4,
  failure: 'busy neighbours, idle tables, heartbeats forbidden',
  beside: 'Others',
  shown: {
    condition: 'SlotHealthy',
    reason: 'SlotNotAdvancing',
    message:
      /slot \w+ is read, but its position stands still.*GRANT EXECUTE ON FUNCTION pg_logical_emit_message/,
    ready: 'True',
  },
  cause: async ({ world }) => {
    const [heartbeat] = await world.sql(
      `SELECT oid::regprocedure::text AS name FROM pg_proc WHERE proname = 'pg_logical_emit_message' AND proargtypes[2] = 'text'::regtype`,
    )
    await world.sql(`REVOKE EXECUTE ON FUNCTION ${heartbeat?.['name']} FROM PUBLIC`)
    await fillLog(world, 32)
  },
  remedy: async ({ world }, message) => {
    for (const statement of statementsIn(message)) await world.sql(statement)
  },
}

/** 5: a Source is left Stopped, and the database keeps its log for it. */
export const stoppedTooLong: Drill = {
  number: 5,
  failure: 'log kept for a Source that is left Stopped',
  beside: 'Others',
  shown: {
    condition: 'RetainedLogWithinThreshold',
    reason: 'RetainedLogTooLarge',
    message: /more than 16Mi of log.*it is Stopped: set spec\.state to Running, or delete/,
    ready: 'True',
  },
  cause: async (stage) => {
    await stage.stopped({ thresholds: { retainedBytes: '16Mi' } })
    await stage.work()
    await fillLog(stage.world, 64)
  },
  remedy: (stage) => stage.apply({ state: 'Running', thresholds: { retainedBytes: '16Mi' } }),
}
