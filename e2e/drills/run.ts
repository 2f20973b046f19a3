import type { BedAddresses } from '../../dev/testing.ts'
import { condition } from '../../test/operator/objects.ts'
import { sameRows } from '../../test/operator/rows.ts'
import type { Seen, World } from '../../test/operator/world.ts'
import type { Begun, Drill, OwnDrill, Stage } from './drill.ts'
import { createStage, isStreaming } from './stage.ts'

/** Within which the status says what has happened, in milliseconds. */
const SEEN_MS = 30_000
const HEALED_MS = 90_000

/** What a drill came to. */
export interface Result {
  readonly condition: string
  readonly reason: string
  /** From the harm until the status told of it. */
  readonly seenSeconds: number
  /** From the end of the remedy until Ready. */
  readonly healedSeconds: number
}

/** Runs a drill in a world, which it leaves with a Source that streams; throws where the Source says or does otherwise. */
export async function runDrill(drill: Drill, world: World): Promise<Result> {
  const stage = await createStage(world)
  await (drill.prepare ?? running)(stage)
  try {
    await drill.cause(stage)
    const [seen, seenSeconds] = await timed(() => untilShown(drill, world))
    await drill.remedy(stage, condition(seen, drill.shown.condition)?.message ?? '')
    const [, healedSeconds] = await timed(() => untilHealed(drill, world))
    await drill.proof?.(stage)
    await stage.work()
    await sameRows(world, 'public.orders')
    const { condition: type, reason } = drill.shown
    return { condition: type, reason, seenSeconds, healedSeconds }
  } finally {
    await drill.restore?.(stage)
  }
}

/** A drill with the bed that it is on; `close` ends its own servers. */
export async function begin(
  drill: Drill | OwnDrill,
  bed: BedAddresses,
): Promise<Pick<Begun, 'bed' | 'close'> & { readonly drill: Drill }> {
  if (!('begin' in drill)) return { drill, bed, close: async () => {} }
  const { begin: _begin, ...failure } = drill
  const { bed: own, close, ...acts } = await drill.begin(bed)
  return { drill: { ...failure, ...acts }, bed: own, close }
}

const running = (stage: Stage): Promise<void> => stage.running()

function untilShown({ shown }: Drill, world: World): Promise<Seen> {
  return world.until(
    `${shown.condition} ${shown.reason} "${shown.message.source}", Ready=${shown.ready}`,
    'Source',
    'shop',
    (source) => {
      const found = condition(source, shown.condition)
      return (
        found?.reason === shown.reason &&
        shown.message.test(found.message) &&
        condition(source, 'Ready')?.status === shown.ready
      )
    },
    SEEN_MS,
  )
}

function untilHealed({ shown }: Drill, world: World): Promise<Seen> {
  return world.until(
    'healed',
    'Source',
    'shop',
    (source) => isStreaming(source) && condition(source, shown.condition)?.reason !== shown.reason,
    HEALED_MS,
  )
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const start = Date.now()
  const result = await work()
  return [result, (Date.now() - start) / 1_000]
}
