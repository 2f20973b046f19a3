import type { PartitionBatch } from '../../clients/kafka/types.ts'
import { type Entry, entryOf, type Projected } from './entry.ts'
import type { ProgressTracker } from './progress.ts'
import type { Read } from './reading.ts'
import type { Skips } from './table.ts'

/** The newest events of a view of mode All, in the order in which they were read. */
export interface Ring {
  /** Sequence number of the oldest event kept, and of the next one to come. */
  readonly first: number
  readonly next: number
  at(sequence: number): Entry | undefined
  /** Whether it holds every event of this partition from `offset` on. */
  covers(partition: number, offset: number): boolean
  apply(batch: PartitionBatch): Skips
  /** Newest commit time seen, ms since 1970. */
  lastTs(): number
}

/** A ring of at most so many events and bytes; the oldest leave first. */
export function createRing(options: {
  readonly progress: readonly ProgressTracker[]
  readonly events: number
  readonly bytes: number
  readonly read: (record: PartitionBatch['records'][number]) => Read
  readonly project: (row: Projected['row']) => Projected
}): Ring {
  const slots: (Entry | undefined)[] = new Array<Entry | undefined>(options.events).fill(undefined)
  const starts = options.progress.map(({ at }) => at.position)
  let first = 0
  let next = 0
  let bytes = 0
  let newest = 0

  function evict(): void {
    const oldest = slots[first % options.events]
    slots[first % options.events] = undefined
    first += 1
    if (!oldest) return
    bytes -= oldest.bytes
    starts[oldest.partition] = Math.max(starts[oldest.partition] ?? 0, oldest.offset + 1)
  }

  function add(entry: Entry): void {
    while (next - first >= options.events || (next > first && bytes + entry.bytes > options.bytes)) evict()
    slots[next % options.events] = entry
    next += 1
    bytes += entry.bytes
    newest = Math.max(newest, entry.ts)
  }

  return {
    get first() {
      return first
    },
    get next() {
      return next
    },
    at: (sequence) => (sequence >= first && sequence < next ? slots[sequence % options.events] : undefined),
    covers: (partition, offset) => offset >= (starts[partition] ?? Number.POSITIVE_INFINITY),
    lastTs: () => newest,
    apply({ partition, records }) {
      let count = 0
      let last: string | undefined
      for (const record of records) {
        const made = options.read(record)
        if (made.type === 'Skipped') {
          count += 1
          last = made.message
        }
        if (made.type !== 'Put' && made.type !== 'Gone') continue
        const at = { key: made.key, partition, offset: Number(record.offset), ts: made.ts }
        if (made.type === 'Put') {
          add(entryOf(at, options.project(made.row)))
        } else {
          // A delete is shown to those who may see what is known of the old row; see selector and policy.
          const gone = entryOf(at, undefined)
          add(made.before ? { ...gone, row: options.project(made.before).row } : gone)
        }
      }
      return { count, ...(last === undefined ? {} : { last }) }
    },
  }
}
