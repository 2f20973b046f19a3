import type { SourceSpec, SourceStatus } from '../../api/source/index.ts'
import type { ConnectorView } from '../../clients/connect.ts'
import type { Health } from '../../external/contract.ts'
import type { SourceFigures, SourceSample } from '../type.ts'
import { positionOf, retention } from './position.ts'
import type { DatabaseView } from './queries.ts'
import { heartbeatSeconds, silenceLimit } from './settings.ts'
import type { SlotState } from './slot.ts'
import type { SlotWatch } from './watch.ts'

/** Until what has been stored has been looked at. */
const LOOK_SECONDS = 6

/** What a sample is made from. */
export interface SampleInput {
  readonly spec: SourceSpec
  /** What the status shows now. */
  readonly shown: SourceStatus | undefined
  readonly watch: SlotWatch
  readonly database: DatabaseView
  readonly state: SlotState
  /** Milliseconds after which Connect has stored a position. */
  readonly offsetFlushMs: number
  /** When the end of the log was not beyond this position, milliseconds since 1970; undefined when that is long ago. */
  readonly reachedAt: (position: bigint) => number | undefined
  /** Seconds for which no heartbeat has come; undefined before it streams. */
  readonly silence: number | undefined
  readonly now: number
}

/** How far a PostgreSQL source is, from a look at the database and, where it was asked for, the stored offset. Pure. */
export function sampleOf(input: SampleInput): SourceSample {
  const { spec, shown, watch, state, silence } = input
  return {
    figures: figuresOf(input),
    silence: silence === undefined ? undefined : { seconds: silence, limit: silenceLimit(spec) },
    snapshot: snapshotState(state, shown),
    connected: state.slot?.active ?? false,
    conditions: [{ type: 'SlotHealthy', health: watch.health }],
    status: { slot: watch.status },
  }
}

/** Where the offsets cannot be read, or there is no connector of which to read them, what was known before stands. */
function snapshotState(
  { slot, offsets, unknown }: SlotState,
  shown: SourceStatus | undefined,
): SourceSample['snapshot'] {
  const known = shown?.snapshot?.state
  if (unknown) return known ?? 'Pending'
  if (offsets === 'NotAsked' || (offsets === undefined && known === 'Completed')) return 'Completed'
  const position = positionOf(offsets)
  // What an earlier connector has left, and cannot be read on, tells of no copy of this one.
  const stale = known !== 'Completed' && retention('', slot, offsets).type === 'Broken'
  if (position && stale) return 'Pending'
  if (position) return position.snapshotRunning ? 'Running' : 'Completed'
  return slot ? 'Running' : 'Pending'
}

/**
 * What is confirmed is behind the log's end by a heartbeat's interval and the time until Connect has stored a position
 * even when all is well: that much counts as nothing. None is known during a snapshot.
 */
export function figuresOf(input: Omit<SampleInput, 'silence' | 'watch'>): SourceFigures {
  const { spec, shown, database, state, offsetFlushMs, reachedAt, now } = input
  const { slot, offsets } = state
  const behind = (from: bigint | undefined) =>
    from === undefined ? undefined : Math.max(0, Number(database.walEnd - from))
  const position = offsets === 'NotAsked' ? undefined : positionOf(offsets)
  const since =
    (slot?.confirmed === undefined ? undefined : reachedAt(slot.confirmed)) ?? position?.deliveredAt
  const allowed = heartbeatSeconds(spec) + offsetFlushMs / 1_000 + LOOK_SECONDS
  const known = since !== undefined && snapshotState(state, shown) === 'Completed'
  return {
    seconds: known ? Math.max(0, (now - since) / 1_000 - allowed) : undefined,
    unconfirmedBytes: behind(slot?.confirmed),
    retainedBytes: behind(slot?.restart),
    safeBytes: slot?.safeBytes === undefined ? undefined : Number(slot.safeBytes),
    catalogAge: slot?.catalogAge,
    confirmedPosition: slot?.confirmed === undefined ? undefined : Number(slot.confirmed),
  }
}

/** What the database says of a connector whose tasks Connect calls RUNNING: wrong password, slot in use and a dead Kafka look RUNNING too. */
export function judgeStreaming(sample: SourceSample, view: ConnectorView): Health {
  const { silence } = sample
  const worker = view.status?.tasks[0]?.worker ?? ''
  if (sample.snapshot === 'Running') {
    return { type: 'Ready', reason: 'Snapshotting', message: 'the initial snapshot is being taken' }
  }
  if (sample.snapshot === 'Pending') {
    return {
      type: 'NotReady',
      reason: 'Starting',
      message: 'the connector has started and has not yet connected to the database',
      afterMs: 1_000,
    }
  }
  if (!sample.connected) {
    return {
      type: 'NotReady',
      reason: 'NotStreaming',
      message: `Connect says RUNNING, but nobody reads the replication slot: see that worker ${worker} runs, and what its log says of this connector. The work of a worker that has gone is kept for its return for scheduled.rebalance.max.delay.ms (5 minutes by default) and then given to others: restart no connector before`,
      afterMs: 2_000,
    }
  }
  if (silence && silence.seconds > silence.limit) {
    return {
      type: 'NotReady',
      reason: 'NotAdvancing',
      message: `Connect says RUNNING, but no heartbeat has reached Kafka for more than ${silence.limit} s: check Kafka and the log of worker ${worker}`,
    }
  }
  return { type: 'Ready', reason: 'Streaming', message: 'changes are streamed' }
}
