import type { RowChange, WireRow } from '@penstock/protocol'

/** A row as it was last delivered. The object stays the same until the row changes. */
export interface Entry {
  readonly key: string
  readonly row: WireRow
  /** Commit time at the source, ms since 1970. */
  readonly ts: number
}

/** The rows of one subscription. */
export interface Collection {
  get(key: string): Entry | undefined
  /** All rows in the order of their keys' arrival; the array stays the same until a row or the membership changes. */
  list(): readonly Entry[]
  /** Takes changes; says whether any row is different now. */
  apply(changes: readonly RowChange[]): boolean
  /** What is held of these partitions (or of all) is void once the snapshot that follows has ended. */
  reset(partitions: readonly number[] | 'all'): void
  /** The snapshot has ended: what it did not contain is gone. Says whether anything went. */
  complete(): boolean
}

/** An empty collection, waiting for its first snapshot. */
export function createCollection(): Collection {
  const held = new Map<string, { readonly entry: Entry; readonly partition: number; readonly text: string }>()
  let shown: readonly Entry[] | undefined
  let pending: { readonly partitions: readonly number[] | 'all'; readonly seen: Set<string> } | undefined

  const put = ([key, row, partition, , ts]: RowChange): boolean => {
    pending?.seen.add(key)
    const before = held.get(key)
    if (row === null) return held.delete(key)
    const text = JSON.stringify(row)
    const same = before?.text === text
    held.set(key, { entry: same ? before.entry : { key, row, ts }, partition, text })
    return !same
  }

  return {
    get: (key) => held.get(key)?.entry,
    list: () => {
      shown ??= [...held.values()].map(({ entry }) => entry)
      return shown
    },
    apply: (changes) => {
      const changed = changes.map(put).some(Boolean)
      if (changed) shown = undefined
      return changed
    },
    reset: (partitions) => {
      const before = pending?.partitions
      const all = partitions === 'all' || before === 'all'
      pending = { partitions: all ? 'all' : [...(before ?? []), ...partitions], seen: new Set() }
    },
    complete: () => {
      if (!pending) return false
      const { partitions, seen } = pending
      pending = undefined
      const gone = [...held].filter(
        ([key, { partition }]) => !seen.has(key) && (partitions === 'all' || partitions.includes(partition)),
      )
      for (const [key] of gone) held.delete(key)
      if (gone.length > 0) shown = undefined
      return gone.length > 0
    },
  }
}
