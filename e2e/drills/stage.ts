import { databaseObjectName } from '../../src/api/names.ts'
import { eventually } from '../../test/operator/eventually.ts'
import { backboneOf, createTable, ready, says, sourceSpec } from '../../test/operator/objects.ts'
import type { Seen, World } from '../../test/operator/world.ts'
import type { Stage } from './drill.ts'

const ROWS = 50
const START_MS = 60_000

/** Puts a Backbone and a table of 50 rows into a world; there is no Source yet. */
export async function createStage(world: World): Promise<Stage> {
  await createTable(world, 'public.orders', ROWS)
  await world.apply('Backbone', 'main', backboneOf(world.bed))
  const name = databaseObjectName({ namespace: world.namespace, name: 'shop' })
  const apply: Stage['apply'] = (more = {}) =>
    world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }], more))
  return {
    world,
    ...{ slot: name, publication: name, connector: `${world.namespace}.shop` },
    apply,
    running: async (more) => {
      await apply({ ...more, state: 'Running' })
      await world.until('Ready, every row copied', 'Source', 'shop', isStreaming, START_MS)
    },
    stopped: async (more) => {
      await apply({ ...more, state: 'Stopped' })
      await world.until('Stopped', 'Source', 'shop', ready('True', 'Stopped'), START_MS)
      await nobodyReads(world, name)
    },
    remake: async () => {
      await world.remove('Source', 'shop')
      await world.gone('Source', 'shop', START_MS)
      await apply()
    },
    work: worker(world),
  }
}

/** Ready, and every row that was there is in the topic. */
export const isStreaming = (source: Seen): boolean =>
  ready('True', 'Streaming')(source) && says('SnapshotComplete', 'Completed')(source)

/** Waits until a slot has no reader. */
export async function nobodyReads({ sql }: World, slot: string): Promise<void> {
  await eventually('nobody reads the slot', 30_000, async () => {
    const [found] = await sql(`SELECT active FROM pg_replication_slots WHERE slot_name = '${slot}'`)
    return found?.['active'] === false ? true : undefined
  })
}

function worker({ sql }: World): Stage['work'] {
  const next = { round: 1 }
  return async () => {
    const round = next.round++
    await sql(`INSERT INTO public.orders SELECT ${round * 1_000} + n, 'new' FROM generate_series(1, 5) n`)
    await sql(`UPDATE public.orders SET note = 'changed ${round}' WHERE id % 10 = ${round % 10}`)
    await sql(`DELETE FROM public.orders WHERE id IN (${round * 5}, ${round * 5 + 1}, ${round * 1_000 + 1})`)
  }
}
