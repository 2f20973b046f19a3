import type { ResetReason } from '@penstock/protocol'

import type { Change } from '../view/entry.ts'
import type { OutFrame } from './frames.ts'
import type { Matcher } from './selector.ts'

/** What a subscription gives when it is asked for its next frame. */
export type Step =
  | { readonly type: 'Frame'; readonly frame: OutFrame }
  /** It worked without a result yet: ask again. */
  | { readonly type: 'Again' }
  /** Nothing before this time (ms since 1970), because of `maxHz`. */
  | { readonly type: 'NotBefore'; readonly at: number }
  /** Nothing until something changes; `wake` will be called. */
  | { readonly type: 'Idle' }
  /** Reset for slowness twice without having caught up in between: the connection has to go. */
  | { readonly type: 'TooSlow' }

/** One subscription of one connection, knowing nothing of how frames travel. */
export interface Subscription {
  readonly id: string
  readonly view: string
  readonly matcher: Matcher
  /** A change of its view that may concern it. */
  offer(change: Change): void
  /** Its view went on; new events of mode All are found by the subscription itself. */
  advanced(partition: number): void
  /** Everything held by the client is void; rows come anew. */
  restart(reason: ResetReason): void
  /** Changes the keys. */
  track(add: readonly string[], drop: readonly string[]): void
  next(now: number): Step
  /** A frame with a newer token than the last one sent, or undefined. */
  progress(): OutFrame | undefined
  /** Until when this pod must have caught up with the client's token (ms since 1970); undefined: it has. */
  holdDeadline(): number | undefined
}
