import type { PartitionBatch } from '../../clients/kafka/types.ts'
import { type Change, type Entry, entryOf, type Projected } from './entry.ts'
import { createFieldIndex } from './fieldindex.ts'
import { type ChangeOrder, createChangeOrder } from './order.ts'
import type { ProgressTracker } from './progress.ts'
import { fillUnavailable, type Read } from './reading.ts'

/** The present rows of a view, and the deletes that may still have to be told. */
export interface Table {
  entry(partition: number, key: string): Entry | undefined
  /** Keys of a partition, deletes among them; may be walked while the table changes: new keys come at the end. */
  keys(partition: number): Iterable<string>
  /** Keys of a partition whose row has this value (see indexText); may be walked while the table changes. */
  keysWhere(partition: number, field: string, text: string): ReadonlySet<string>
  /** Entries that changed at `offset` or later, oldest change first; for use within one turn. */
  since(partition: number, offset: number): Iterable<Entry>
  /** How many of those there are, counted up to `limit`. */
  countSince(partition: number, offset: number, limit: number): number
  /** Rows that are there now. */
  size(): number
  /** Newest commit time seen, ms since 1970. */
  lastTs(): number
  /** Takes over the records of a batch; positions are the caller's. Returns how many were skipped. */
  apply(batch: PartitionBatch): Skips
  /** Removes what retention took from the log, and deletes that nobody may ask for any more. */
  trim(partition: number): void
}

/** Records that could not be read. */
export interface Skips {
  readonly count: number
  readonly last?: string
}

interface Part {
  readonly entries: Map<string, Entry>
  readonly order: ChangeOrder
  /** The deletes among them. */
  readonly graves: ChangeOrder
  readonly index: ReturnType<typeof createFieldIndex>
}

/** A table of so many partitions; `changed` hears of every change in the turn in which it happens. */
export function createTable(options: {
  readonly progress: readonly ProgressTracker[]
  readonly index: readonly string[]
  readonly read: (record: PartitionBatch['records'][number]) => Read
  readonly project: (row: Projected['row']) => Projected
  readonly changed: (change: Change) => void
}): Table {
  const { progress, read, project, changed } = options
  const parts: readonly Part[] = progress.map(() => ({
    entries: new Map(),
    order: createChangeOrder(),
    graves: createChangeOrder(),
    index: createFieldIndex(options.index),
  }))
  let rows = 0
  let newest = 0

  function replace(part: Part, old: Entry | undefined, entry: Entry): void {
    if (old) {
      part.order.remove(old)
      if (!old.row) part.graves.remove(old)
    }
    part.order.append(entry)
    if (!entry.row) part.graves.append(entry)
    part.entries.set(entry.key, entry)
    part.index.move(entry.key, old?.row, entry.row)
    rows += (entry.row ? 1 : 0) - (old?.row ? 1 : 0)
    changed({ entry, before: old?.row })
  }

  function forget(part: Part, entry: Entry): void {
    part.order.remove(entry)
    part.graves.remove(entry)
    part.entries.delete(entry.key)
  }

  function take(part: Part, partition: number, offset: number, made: Read): void {
    if (made.type !== 'Put' && made.type !== 'Gone') return
    const old = part.entries.get(made.key)
    const at = { key: made.key, partition, offset, ts: made.ts }
    newest = Math.max(newest, made.ts)
    if (made.type === 'Put') {
      replace(part, old, entryOf(at, project(fillUnavailable(made.row, made.unavailable, old))))
      return
    }
    // The tombstone that follows a delete says nothing new, unless compaction left only it.
    if (old && !old.row) return
    const floor = progress[partition]?.at.floor ?? Number.POSITIVE_INFINITY
    if (old || offset >= floor || floor === Number.POSITIVE_INFINITY)
      replace(part, old, entryOf(at, undefined))
  }

  return {
    entry: (partition, key) => parts[partition]?.entries.get(key),
    keys: (partition) => parts[partition]?.entries.keys() ?? [],
    keysWhere: (partition, field, text) => parts[partition]?.index.keys(field, text) ?? new Set(),
    since: (partition, offset) => parts[partition]?.order.since(offset) ?? [],
    countSince(partition, offset, limit) {
      let count = 0
      for (const _ of parts[partition]?.order.since(offset) ?? []) {
        count += 1
        if (count >= limit) break
      }
      return count
    },
    size: () => rows,
    lastTs: () => newest,
    apply({ partition, records }) {
      const part = parts[partition]
      let count = 0
      let last: string | undefined
      for (const record of part ? records : []) {
        const made = read(record)
        if (made.type === 'Skipped') {
          count += 1
          last = made.message
        } else if (part) take(part, partition, Number(record.offset), made)
      }
      return { count, ...(last === undefined ? {} : { last }) }
    },
    trim(partition) {
      const part = parts[partition]
      const at = progress[partition]?.at
      if (!part || !at) return
      for (const entry of [...takeWhile(part.order, ({ offset }) => offset < at.logStart)]) {
        // The log's end stands for the time of this delete, so that every token up to now is told of it.
        if (entry.row) replace(part, entry, entryOf({ ...entry, offset: at.position }, undefined))
      }
      if (at.floor === Number.POSITIVE_INFINITY) return
      for (const entry of [...takeWhile(part.graves, ({ offset }) => offset < at.floor)]) forget(part, entry)
    },
  }
}

function* takeWhile(order: ChangeOrder, holds: (entry: Entry) => boolean): Iterable<Entry> {
  for (const entry of order.since(0)) {
    if (!holds(entry)) return
    yield entry
  }
}
