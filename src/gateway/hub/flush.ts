import type { GatewayLimits } from '../limits.ts'
import type { OutFrame } from './frames.ts'
import type { Subscription } from './subscription.ts'
import type { Transport } from './transport.ts'

/** What became of one flush of a connection. */
export type Flushed =
  | { readonly type: 'Idle' }
  /** Enough for one turn: others come first, then again. */
  | { readonly type: 'More' }
  | { readonly type: 'NotBefore'; readonly at: number }
  /** The transport has no room; it will say when it has. */
  | { readonly type: 'Blocked' }
  | { readonly type: 'TooSlow' }

/** Steps of one connection in one turn. */
const STEPS = 64

/**
 * Sends what the awake subscriptions of one connection have, one frame each in turn, as long as the transport has
 * room. Those that have nothing more leave `awake`.
 */
export function flushConnection(
  awake: Set<Subscription>,
  transport: Transport,
  { highWaterBytes }: Pick<GatewayLimits, 'highWaterBytes'>,
  now: number,
  sent: (subscription: Subscription, frame: OutFrame) => void,
): Flushed {
  let steps = 0
  let next = Number.POSITIVE_INFINITY
  for (let busy = true; busy; ) {
    busy = false
    for (const subscription of awake) {
      if (transport.buffered() >= highWaterBytes) return { type: 'Blocked' }
      if (steps >= STEPS) return { type: 'More' }
      steps += 1
      const step = subscription.next(now)
      switch (step.type) {
        case 'TooSlow':
          return step
        case 'Idle':
          awake.delete(subscription)
          break
        case 'NotBefore':
          next = Math.min(next, step.at)
          break
        case 'Again':
          busy = true
          break
        case 'Frame':
          transport.send(step.frame.text)
          sent(subscription, step.frame)
          busy = true
          break
      }
    }
  }
  return awake.size > 0 && next < Number.POSITIVE_INFINITY
    ? { type: 'NotBefore', at: next }
    : { type: 'Idle' }
}
