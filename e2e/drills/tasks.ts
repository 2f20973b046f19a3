import { Client } from 'pg'
import type { World } from '../../test/operator/world.ts'
import type { Drill } from './drill.ts'
import { statementsIn } from './statements.ts'

const limit = () => AbortSignal.timeout(20_000)

/** 20: Kafka takes no record of the table's topic any more, and the task gives up. */
export const taskFailed: Drill = {
  number: 20,
  failure: 'task FAILED: the topic refuses records',
  beside: 'Others',
  shown: {
    condition: 'ConnectorRunning',
    reason: 'RecordTooLarge',
    message: /larger than the max.*raise max\.message\.bytes of the topic.*reconcile-requested-at/,
    ready: 'False',
  },
  cause: async ({ world, connector, work }) => {
    await world.kafka.alterTopic(`${connector}.public.orders`, { 'max.message.bytes': '80' }, limit())
    await work()
  },
  remedy: async ({ world, connector }) => {
    await world.kafka.alterTopic(`${connector}.public.orders`, { 'max.message.bytes': '1048588' }, limit())
    await world.annotate('Source', 'shop', { 'penstock.dev/reconcile-requested-at': 'now' })
  },
}

/** 33: the slot waits for a transaction of somebody else, and until then the connector has no task. */
export const noTasks: Drill = {
  number: 33,
  failure: 'RUNNING with no tasks: the slot waits for a transaction',
  beside: 'Nobody',
  shown: {
    condition: 'SlotHealthy',
    reason: 'SlotWaitsForTransaction',
    message: /slot \w+ cannot be made until the transaction of \w+ \(pid \d+.*SELECT pg_terminate_backend/,
    ready: 'False',
  },
  prepare: async () => undefined,
  cause: async (stage) => {
    await openTransaction(stage.world)
    // Whoever may not see when it began tells its age by the transactions since.
    await stage.world.sql(`DO $$ BEGIN FOR n IN 1..120 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$`)
    await stage.apply()
  },
  remedy: async ({ world }, message) => {
    for (const statement of statementsIn(message)) await world.sql(statement)
  },
}

async function openTransaction({ bed, database }: World): Promise<void> {
  const url = new URL(bed.postgres.superuserUrl)
  url.pathname = `/${database}`
  const client = new Client({ connectionString: url.href })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('BEGIN')
  await client.query('SELECT txid_current()')
}
