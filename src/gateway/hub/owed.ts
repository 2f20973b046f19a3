/** Keys of which a subscription still owes the newest value, by partition, each with the first offset not delivered. */
export interface Owed {
  readonly size: number
  /** Notes a change; a key that is owed already keeps its first offset. */
  add(partition: number, key: string, offset: number): void
  settle(partition: number, key: string): void
  clear(partition: number): void
  /** The lowest offset owed in a partition: everything below was delivered. */
  oldest(partition: number): number | undefined
  /** The keys owed, partition by partition; settling during the walk is fine. */
  keys(): Iterable<readonly [partition: number, key: string, offset: number]>
}

/** Nothing owed yet. Within a partition keys are added in the order of offsets, so the first one is the oldest. */
export function createOwed(): Owed {
  const byPartition = new Map<number, Map<string, number>>()
  let size = 0

  return {
    get size() {
      return size
    },
    add(partition, key, offset) {
      const keys = byPartition.get(partition) ?? new Map<string, number>()
      byPartition.set(partition, keys)
      if (keys.has(key)) return
      keys.set(key, offset)
      size += 1
    },
    settle(partition, key) {
      if (byPartition.get(partition)?.delete(key)) size -= 1
    },
    clear(partition) {
      size -= byPartition.get(partition)?.size ?? 0
      byPartition.delete(partition)
    },
    oldest: (partition) => byPartition.get(partition)?.values().next().value,
    *keys() {
      for (const [partition, keys] of byPartition) {
        for (const [key, offset] of keys) yield [partition, key, offset]
      }
    },
  }
}
