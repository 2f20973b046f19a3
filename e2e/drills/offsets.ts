import { typeOf } from '../../test/operator/kube.ts'
import type { Drill } from './drill.ts'

const limit = () => AbortSignal.timeout(20_000)

/** 22: of a Source that was removed by hand, Connect still has the position when one of its name is made again. */
export const staleOffsets: Drill = {
  number: 22,
  failure: 'offsets left by a former connector of the name',
  beside: 'Others',
  shown: {
    condition: 'SourceRetained',
    reason: 'StaleOffsetsFound',
    message: /./,
    ready: 'False',
  },
  cause: async ({ world, connector, slot, apply, stopped, work }) => {
    const { kube, namespace } = world
    await stopped()
    await kube.merge(
      typeOf('Source'),
      namespace,
      'shop',
      { metadata: { annotations: { 'penstock.dev/reconcile': 'disabled' } } },
      limit(),
    )
    await kube.merge(typeOf('Source'), namespace, 'shop', { metadata: { finalizers: [] } }, limit())
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
    await world.connect.remove(connector, limit())
    await world.sql(`SELECT pg_drop_replication_slot('${slot}')`)
    await work()
    await apply()
  },
  remedy: (stage) => stage.remake(),
}
