import { type Change, indexText } from '../view/entry.ts'
import type { Subscription } from './subscription.ts'

/** Subscriptions of one view, found by what a change is about. */
export interface Directory {
  add(subscription: Subscription): void
  /** To be called with the matcher that it was added with. */
  remove(subscription: Subscription): void
  /** Those that a change may concern, each once; `blind`: old rows are not all known yet. */
  of(change: Change, blind: boolean): Iterable<Subscription>
  all(): Iterable<Subscription>
  readonly size: number
}

/** A directory by key, by the first pair of a `where`, and of those that want everything. */
export function createDirectory(index: readonly string[]): Directory {
  const members = new Set<Subscription>()
  const everything = new Set<Subscription>()
  const byKey = new Map<string, Set<Subscription>>()
  const byPair = new Map<string, Set<Subscription>>()

  function places(
    subscription: Subscription,
  ): readonly (readonly [Map<string, Set<Subscription>>, string])[] {
    const { matcher } = subscription
    if (matcher.type === 'Keys') return [...matcher.keys].map((key) => [byKey, key] as const)
    const [first] = matcher.type === 'Where' ? matcher.pairs : []
    return first ? [[byPair, pairOf(...first)]] : []
  }

  /** Old and new values of the indexed fields: who wanted the old one has to hear that it is gone. */
  function pairs({ entry, before }: Change): ReadonlySet<string> {
    const found = new Set<string>()
    for (const field of byPair.size > 0 ? index : []) {
      for (const row of [before, entry.row]) if (row) found.add(pairOf(field, indexText(row[field])))
    }
    return found
  }

  return {
    get size() {
      return members.size
    },
    all: () => members,
    add(subscription) {
      members.add(subscription)
      if (subscription.matcher.type === 'All') everything.add(subscription)
      for (const [map, at] of places(subscription)) {
        map.set(at, (map.get(at) ?? new Set<Subscription>()).add(subscription))
      }
    },
    remove(subscription) {
      members.delete(subscription)
      everything.delete(subscription)
      for (const [map, at] of places(subscription)) {
        map.get(at)?.delete(subscription)
        if (map.get(at)?.size === 0) map.delete(at)
      }
    },
    *of(change, blind) {
      yield* everything
      yield* byKey.get(change.entry.key) ?? []
      // A change whose old row is not known may concern any `where`.
      if (blind && !change.before) for (const subscriptions of byPair.values()) yield* subscriptions
      else for (const pair of pairs(change)) yield* byPair.get(pair) ?? []
    },
  }
}

const pairOf = (field: string, text: string): string => `${field}\n${text}`
