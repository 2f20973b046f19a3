import { type ErrFrame, MAX_KEYS, type ServerFrame, type SubFrame } from '@penstock/protocol'

import type { GatewayLimits } from '../limits.ts'
import type { GatewayMetrics } from '../metrics.ts'
import { type Claims, cohortHash } from '../policy.ts'
import { errFrame } from './frames.ts'
import type { Verdict } from './judge.ts'
import { type Placed, place, type ServedView } from './served.ts'
import type { Subscription } from './subscription.ts'

/** The subscriptions of one connection, by the ids that the client gave them. */
export interface Placements {
  /** Subscriptions that have something to send. */
  readonly awake: Set<Subscription>
  all(): Iterable<Placed>
  /** Places a subscription, instead of the one of the same id; a refusal is sent. */
  subscribe(frame: SubFrame, claims: Claims, lost?: Verdict): Promise<void>
  /** Adds keys to a subscription by keys, and drops others. */
  track(id: string, add: readonly string[], drop: readonly string[]): void
  remove(id: string): void
  /** New claims: subscriptions whose cohort they change are read anew. */
  changeClaims(claims: Claims): Promise<void>
  /** Takes them all away, and places none any more. */
  end(): void
}

/** What placements work with. */
export interface PlacementsDeps {
  readonly views: ReadonlyMap<string, ServedView>
  readonly limits: GatewayLimits
  readonly metrics: GatewayMetrics
  readonly now: () => number
  readonly send: (frame: ServerFrame) => void
  /** Called when a subscription has something to send. */
  readonly woken: () => void
}

/** No subscriptions yet. */
export function createPlacements(deps: PlacementsDeps): Placements {
  const { views, limits, metrics, send } = deps
  const placed = new Map<string, Placed>()
  const awake = new Set<Subscription>()
  let ended = false
  const wake = (subscription: Subscription): void => {
    awake.add(subscription)
    deps.woken()
  }
  const remove = (id: string): void => {
    const known = placed.get(id)
    if (!known) return
    placed.delete(id)
    awake.delete(known.subscription)
    known.remove()
    metrics.subscribed(known.frame.view, -1)
  }
  const subscribe: Placements['subscribe'] = async (frame, claims, lost) => {
    const refused = refusalOf(frame, placed, limits)
    const served = views.get(frame.view)
    if (refused || !served)
      return send(refused ?? errFrame('unknown-view', `there is no view "${frame.view}"`, frame.id))
    remove(frame.id)
    const result = await place(frame, served, { claims, wake }, deps, lost)
    if ('t' in result) return send(result)
    // While the broker was asked, the client may have gone.
    if (ended) return result.remove()
    placed.set(frame.id, result)
    metrics.subscribed(frame.view, 1)
    wake(result.subscription)
  }

  return {
    awake,
    all: () => placed.values(),
    subscribe,
    remove,
    track: (id, add, drop) => {
      const known = placed.get(id)
      const matcher = known?.subscription.matcher
      if (!known || matcher?.type !== 'Keys')
        return send(errFrame('bad-selector', `there is no subscription "${id}" by keys`, id))
      const size = new Set([...matcher.keys].filter((key) => !drop.includes(key)).concat(add)).size
      const refused = tooManyKeys(id, size, placed, limits)
      if (refused) send(refused)
      else known.track(add, drop)
    },
    changeClaims: async (claims) => {
      for (const { frame, cohort } of [...placed.values()]) {
        const served = views.get(frame.view)
        if (!served || cohortHash(served.policy, claims) === cohort.hash) continue
        const matcher = placed.get(frame.id)?.subscription.matcher
        const now = matcher?.type === 'Keys' ? { ...frame, keys: [...matcher.keys] } : frame
        await subscribe(now as SubFrame, claims, { type: 'ResetAll', reason: 'claims' })
      }
    },
    end: () => {
      ended = true
      for (const id of [...placed.keys()]) remove(id)
      awake.clear()
    },
  }
}

/** Why one more subscription is refused; undefined where it is not. */
function refusalOf(
  { id, ...selector }: SubFrame,
  placed: ReadonlyMap<string, Placed>,
  limits: GatewayLimits,
): ErrFrame | undefined {
  if (!placed.has(id) && placed.size >= limits.subscriptions)
    return errFrame('too-many-subs', `a connection has at most ${limits.subscriptions} subscriptions`, id)
  return tooManyKeys(id, 'keys' in selector ? selector.keys.length : 0, placed, limits)
}

function tooManyKeys(
  id: string,
  size: number,
  placed: ReadonlyMap<string, Placed>,
  limits: GatewayLimits,
): ErrFrame | undefined {
  const count = (each: Placed): number =>
    each.subscription.matcher.type === 'Keys' ? each.subscription.matcher.keys.size : 0
  const others = [...placed.values()].filter((each) => each.subscription.id !== id)
  const sum = others.reduce((total, each) => total + count(each), size)
  if (size <= MAX_KEYS && sum <= limits.connectionKeys) return undefined
  const message = `a subscription has at most ${MAX_KEYS} keys, a connection ${limits.connectionKeys}`
  return errFrame('too-many-keys', message, id)
}
