import type { PartitionBatch } from '../../clients/kafka/types.ts'

/** How far one partition of a view was read. Offsets are numbers: a log of 2^53 records outlives everyone. */
export interface Progress {
  /** Everything below was read. */
  readonly position: number
  /** The end of the log, as last heard. */
  readonly end: number
  readonly logStart: number
  /** Deletes at or above this offset are all known; a token below it cannot be continued. Infinity while unknown. */
  readonly floor: number
  /** Whether it was once read to the end that it had at the start. */
  readonly ready: boolean
  /** Kafka's timestamp of the last record read, and the last time at which nothing was left to read (ms since 1970). */
  readonly lastRecordAt: number
  readonly caughtUpAt: number
}

/** Progress of a partition and its only writer. */
export interface ProgressTracker {
  readonly at: Progress
  /** Takes over a batch that was applied; returns whether the partition became ready by it. */
  read(batch: PartitionBatch, now: number): boolean
  setEnd(end: number): void
  setFloor(floor: number): void
  setLogStart(logStart: number): void
}

/** Tracks a partition that is read from `start` on. */
export function trackProgress(start: number): ProgressTracker {
  const at = {
    position: start,
    end: start,
    logStart: start,
    floor: Number.POSITIVE_INFINITY,
    ready: false,
    lastRecordAt: 0,
    caughtUpAt: 0,
  }
  let target: number | undefined

  return {
    at,
    read({ position, highWatermark, logStart, records }, now) {
      // By position, never by the last record's offset: transaction markers and compaction leave holes at the end.
      at.position = Number(position)
      at.end = Number(highWatermark)
      at.logStart = Math.max(at.logStart, Number(logStart))
      at.lastRecordAt = records.at(-1)?.timestamp ?? at.lastRecordAt
      if (at.position >= at.end) at.caughtUpAt = now
      target ??= at.end
      const became = !at.ready && at.position >= target
      at.ready ||= became
      return became
    },
    setEnd(end) {
      at.end = Math.max(at.end, end)
    },
    setFloor(floor) {
      at.floor = Math.max(floor, at.logStart)
    },
    setLogStart(logStart) {
      at.logStart = Math.max(at.logStart, logStart)
    },
  }
}
