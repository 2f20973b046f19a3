import type {
  ErrFrame,
  Mode,
  ResetReason,
  RowChange,
  Selector,
  ServerFrame,
  SubFrame,
} from '@penstock/protocol'

import { type Collection, createCollection, type Entry } from './collection.ts'

/** What a subscriber asks for besides the selection. */
export interface SubscribeOptions {
  readonly mode?: Mode
  /** At most this many updates a second. */
  readonly maxHz?: number
}

/** Where a subscription is. Loading: its snapshot has not ended. Failed: it was refused, see `error`. */
export type SubscriptionStatus =
  | { readonly state: 'Loading' | 'Live' }
  | { readonly state: 'Failed'; readonly error: ErrFrame }

/** A live selection of a view's rows. */
export interface Subscription {
  readonly view: string
  status(): SubscriptionStatus
  getSnapshot(key: string): Entry | undefined
  list(): readonly Entry[]
  /** Calls `listener` when a row or the status has changed; gives the way to stop. */
  onChange(listener: () => void): () => void
  /** Calls `listener` with every batch of changes as it comes, snapshots left out; gives the way to stop. */
  onDelta(listener: (changes: readonly RowChange[]) => void): () => void
  /** Ends it; the rows stay as they were. */
  close(): void
  /** Takes it up again after `close`. */
  open(): void
}

/** A subscription as the connection drives it. */
export interface LiveSubscription extends Subscription {
  readonly id: string
  /** The frame that asks for it, with the latest token. */
  frame(): SubFrame
  /** Takes a frame of this subscription; a reset's reason is given back. */
  take(frame: ServerFrame): ResetReason | undefined
}

/** A subscription; `host` is told when it is taken up and when it ends. */
export function createSubscription(
  id: string,
  view: string,
  selector: Selector,
  options: SubscribeOptions,
  host: { readonly attach: () => void; readonly detach: () => void },
): LiveSubscription {
  const rows: Collection = createCollection()
  const changed = new Set<() => void>()
  const deltas = new Set<(changes: readonly RowChange[]) => void>()
  let token: string | undefined
  let status: SubscriptionStatus = { state: 'Loading' }
  const tell = () => {
    for (const listener of changed) listener()
  }
  const become = (next: SubscriptionStatus) => {
    if (status.state === next.state) return false
    status = next
    return true
  }
  rows.reset('all')

  return {
    id,
    view,
    status: () => status,
    getSnapshot: rows.get,
    list: rows.list,
    onChange: (listener) => {
      changed.add(listener)
      return () => changed.delete(listener)
    },
    onDelta: (listener) => {
      deltas.add(listener)
      return () => deltas.delete(listener)
    },
    close: host.detach,
    open: host.attach,
    frame: () => {
      // Without a token everything is sent anew.
      if (token === undefined) rows.reset('all')
      return {
        t: 'sub',
        id,
        view,
        ...selector,
        ...options,
        ...(token === undefined ? {} : { resume: token }),
      }
    },
    take: (frame) => {
      switch (frame.t) {
        case 'snap': {
          const moved = rows.apply(frame.rows)
          const ended = frame.last && (rows.complete() || become({ state: 'Live' }))
          token = frame.token ?? token
          if (moved || ended) tell()
          return undefined
        }
        case 'd': {
          const moved = rows.apply(frame.rows)
          token = frame.token ?? token
          // A token that continues needs no snapshot: the first change proves it.
          const live = frame.token !== undefined && become({ state: 'Live' })
          for (const listener of deltas) listener(frame.rows)
          if (moved || live) tell()
          return undefined
        }
        case 'progress':
          token = frame.token
          if (become({ state: 'Live' })) tell()
          return undefined
        case 'reset':
          token = undefined
          if (frame.reason !== 'gap') rows.reset('all' in frame ? 'all' : frame.partitions)
          return frame.reason
        case 'err':
          if (become({ state: 'Failed', error: frame })) tell()
          return undefined
        // Frames of the connection as a whole.
        case 'welcome':
        case 'drain':
        case 'pong':
          return undefined
      }
    },
  }
}
