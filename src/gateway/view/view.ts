import type { PartitionBatch } from '../../clients/kafka/types.ts'
import type { ViewConfig } from '../../contracts/gateway.ts'
import type { GatewayLimits } from '../limits.ts'
import type { Change } from './entry.ts'
import { type Progress, type ProgressTracker, trackProgress } from './progress.ts'
import { type KeptColumns, projectorOf, readerOf } from './reading.ts'
import { createRing, type Ring } from './ring.ts'
import { createTable, type Skips, type Table } from './table.ts'

/** The content of a view for one epoch. */
export type Content = {
  readonly epoch: string
  readonly progress: readonly Progress[]
} & ({ readonly mode: 'Latest'; readonly table: Table } | { readonly mode: 'All'; readonly ring: Ring })

/** What the hub hears of a view, in the turn in which it happens. */
export interface ViewListener {
  changed(change: Change): void
  /** A batch of this partition was applied as a whole. */
  advanced(partition: number): void
  /** This partition can be shown. */
  ready(partition: number): void
  /** There is other content: what subscriptions hold is void. */
  replaced(): void
}

/** A view as it is served: content that is read, and what goes wrong with reading it. */
export interface View {
  readonly config: ViewConfig
  /** Undefined until its topic was found. */
  readonly content: Content | undefined
  /** Records that could not be read, since the start of this process. */
  readonly skipped: number
  /** Why it is not being read now; it is tried again by itself. */
  readonly error: string | undefined
  listen(listener: ViewListener): () => void
}

/** The side of a view that is written to by its reader; see follow.ts. */
export interface ViewWriter {
  readonly view: View
  /** Begins an epoch; `starts` are the offsets to read from, by partition. */
  begin(epoch: string, starts: readonly number[]): void
  apply(batch: PartitionBatch, now: number): Skips
  /** Offsets known from elsewhere than batches; partitions that are not named stay. */
  learn(known: {
    readonly ends?: ReadonlyMap<number, number>
    readonly floors?: ReadonlyMap<number, number>
    readonly logStarts?: ReadonlyMap<number, number>
  }): void
  fail(error: string | undefined): void
}

/** A view without content yet. `kept` names the columns that selectors and the policy read. */
export function createView(
  config: ViewConfig,
  kept: KeptColumns,
  limits: Pick<GatewayLimits, 'ringEvents' | 'ringBytes'>,
): ViewWriter {
  const listeners = new Set<ViewListener>()
  const read = readerOf(config)
  const project = projectorOf(config.fields, kept)
  let trackers: readonly ProgressTracker[] = []
  let content: Content | undefined
  let skipped = 0
  let error: string | undefined

  const tell = (act: (listener: ViewListener) => void): void => {
    for (const listener of listeners) act(listener)
  }

  function contentOf(epoch: string): Content {
    const base = { epoch, progress: trackers.map(({ at }) => at) }
    const shared = { progress: trackers, read, project }
    if (config.mode === 'All') {
      const ring = createRing({
        ...shared,
        events: limits.ringEvents,
        bytes: limits.ringBytes,
      })
      return { ...base, mode: 'All', ring }
    }
    const changed = (change: Change): void => tell((listener) => listener.changed(change))
    return { ...base, mode: 'Latest', table: createTable({ ...shared, index: config.index, changed }) }
  }

  const trim = (partition: number): void => {
    if (content?.mode === 'Latest') content.table.trim(partition)
  }

  return {
    view: {
      config,
      get content() {
        return content
      },
      get skipped() {
        return skipped
      },
      get error() {
        return error
      },
      listen(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    begin(epoch, starts) {
      trackers = starts.map(trackProgress)
      content = contentOf(epoch)
      tell((listener) => listener.replaced())
    },
    apply(batch, now) {
      const tracker = trackers[batch.partition]
      if (!tracker || !content) return { count: 0 }
      const skips = content.mode === 'Latest' ? content.table.apply(batch) : content.ring.apply(batch)
      skipped += skips.count
      const ready = tracker.read(batch, now)
      trim(batch.partition)
      tell((listener) => listener.advanced(batch.partition))
      if (ready) tell((listener) => listener.ready(batch.partition))
      return skips
    },
    learn({ ends, floors, logStarts }) {
      for (const [partition, tracker] of trackers.entries()) {
        const [end, floor, logStart] = [ends, floors, logStarts].map((known) => known?.get(partition))
        if (end !== undefined) tracker.setEnd(end)
        if (logStart !== undefined) tracker.setLogStart(logStart)
        if (floor !== undefined) tracker.setFloor(floor)
        trim(partition)
      }
      for (const partition of trackers.keys()) tell((listener) => listener.advanced(partition))
    },
    fail(message) {
      error = message
    },
  }
}
