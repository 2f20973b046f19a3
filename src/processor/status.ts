import type { PartitionBatch } from '../clients/kafka/types.ts'
import type { HopLag, UnitStatus } from '../contracts/workload.ts'

/** How far a flow is in one partition. */
interface Progress {
  position: bigint
  end: bigint
  /** Kafka timestamp of the record at `position`, or of the last one before it; undefined before any. */
  timestamp: number | undefined
}

/** How a flow is doing; written by its loop, read by `GET /status`. */
export interface FlowStatus {
  unit(): UnitStatus
  lag(): HopLag
  /** Reading state, or waiting for the group. */
  starting(): void
  running(): void
  failed(message: string): void
  /** Something is lost for good; the sentence stays in the status. */
  lost(message: string): void
  skipped(): void
  /** These partitions are owned from now on, and no other. */
  owns(): void
  /** A batch has come: its first record is the oldest that waits. */
  fetched(batch: PartitionBatch): void
  /** Everything below `position` is past this hop. */
  passed(topic: string, partition: number, position: bigint, timestamp: number | undefined): void
}

/** The status of one flow; `now` gives milliseconds since 1970. */
export function createFlowStatus(name: string, now: () => number): FlowStatus {
  const places = new Map<string, Progress>()
  let state: UnitStatus['state'] = 'Starting'
  let error: string | undefined
  let loss: string | undefined
  let skipped = 0

  const lag = (): HopLag => {
    let records = 0
    let oldest: number | undefined
    for (const { position, end, timestamp } of places.values()) {
      if (position >= end) continue
      records += Number(end - position)
      if (timestamp !== undefined) oldest = Math.min(oldest ?? timestamp, timestamp)
    }
    const seconds = oldest === undefined ? 0 : Math.max(0, (now() - oldest) / 1_000)
    return { records, seconds }
  }

  return {
    lag,
    unit: () => {
      const message = error ?? loss
      return { name, state, lag: lag(), skipped, ...(message === undefined ? {} : { error: message }) }
    },
    starting: () => {
      state = state === 'Failed' ? 'Failed' : 'Starting'
    },
    running: () => {
      state = 'Running'
      error = undefined
    },
    failed: (message) => {
      state = 'Failed'
      error = message
    },
    lost: (message) => {
      loss = message
    },
    skipped: () => {
      skipped += 1
    },
    owns: () => places.clear(),
    fetched: ({ topic, partition, records, position, highWatermark }) => {
      const [first] = records
      const known = places.get(`${topic}/${partition}`)
      places.set(`${topic}/${partition}`, {
        position: known?.position ?? first?.offset ?? position,
        end: highWatermark,
        timestamp: first?.timestamp ?? known?.timestamp,
      })
    },
    passed: (topic, partition, position, timestamp) => {
      const place = places.get(`${topic}/${partition}`)
      if (!place) return
      place.position = position
      place.timestamp = timestamp ?? place.timestamp
    },
  }
}
