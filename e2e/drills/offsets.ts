import { eventually } from '../../test/operator/eventually.ts'
import { typeOf } from '../../test/operator/kube.ts'
import type { Drill, Stage } from './drill.ts'

const limit = () => AbortSignal.timeout(20_000)

/** 22: of a Source that was taken away by hand, Connect still has the position when one of its name is made. */
export const staleOffsets: Drill = {
  number: 22,
  failure: 'offsets left by a former connector of the name',
  beside: 'Others',
  shown: {
    condition: 'SourceRetained',
    reason: 'StaleOffsetsFound',
    message: /offsets of an earlier connector.*slot \w+ is not there.*DELETE \/connectors\/\S+\/offsets/,
    ready: 'False',
  },
  cause: async (stage) => {
    await stage.stopped()
    await takeAwayByHand(stage)
    await stage.work()
    await stage.apply()
  },
  remedy: async ({ world }, message) => {
    const [, path = ''] = /DELETE (\/connectors\/\S+\/offsets)/.exec(message) ?? []
    // Connect refuses until the connector has come to its stop.
    await eventually('the offsets are reset', 20_000, async () => {
      const answer = await fetch(`${world.bed.connectUrl}${path}`, { method: 'DELETE', signal: limit() })
      if (!answer.ok) throw new Error(`DELETE ${path}: ${answer.status} ${await answer.text()}`)
      return true
    })
  },
}

/** Leaves the offsets, the publication and the topics. */
async function takeAwayByHand({ world, connector, slot }: Stage): Promise<void> {
  const { kube, namespace } = world
  const change = (metadata: object) => kube.merge(typeOf('Source'), namespace, 'shop', { metadata }, limit())
  await change({ annotations: { 'penstock.dev/reconcile': 'disabled' } })
  await change({ finalizers: [] })
  await world.remove('Source', 'shop')
  await world.gone('Source', 'shop')
  await world.connect.remove(connector, limit())
  await world.sql(`SELECT pg_drop_replication_slot('${slot}')`)
}

/** 23: the database does not let us in any more while a Source is deleted. */
export const debris: Drill = {
  number: 23,
  failure: 'deleted while the database refuses the login',
  beside: 'Others',
  shown: {
    condition: 'CleanupPending',
    reason: 'AuthenticationFailed',
    message: /left to remove: ReplicationSlot \w+.*Put the right username and password into Secret db/,
    ready: 'False',
  },
  cause: async ({ world }) => {
    await world.sql(`ALTER ROLE ${world.role} PASSWORD 'rotated'`)
    await world.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${world.role}'`)
    await world.remove('Source', 'shop')
  },
  remedy: async ({ world, apply }) => {
    await world.login('db', 'rotated')
    await world.gone('Source', 'shop', 60_000)
    await apply()
  },
}
