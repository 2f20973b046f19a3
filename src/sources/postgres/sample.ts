import type { SourceSpec } from '../../api/source/index.ts'
import type { ConnectorView } from '../../clients/connect.ts'
import type { Health } from '../../external/contract.ts'
import { durationMs } from '../../lib/time.ts'
import type { SourceFigures, SourceSample } from '../type.ts'
import { positionOf } from './position.ts'
import type { DatabaseView } from './queries.ts'
import { DEFAULT_HEARTBEAT } from './settings.ts'
import type { SlotState } from './slot.ts'

/** Seconds beyond a heartbeat's interval after which a source that shows nothing new is not moving. */
const BEAT_PATIENCE_SECONDS = 18

/** Until what has been stored has been looked at. */
const LOOK_SECONDS = 6

/** What a sample is made from. */
export interface SampleInput {
  readonly spec: SourceSpec
  readonly slotName: string
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

/** Seconds within which a healthy source shows a heartbeat in Kafka. */
export const silenceLimit = (spec: SourceSpec): number => heartbeatSeconds(spec) + BEAT_PATIENCE_SECONDS

const heartbeatSeconds = ({ postgres }: SourceSpec): number =>
  durationMs(postgres?.heartbeat?.interval ?? DEFAULT_HEARTBEAT) / 1_000

/** How far a PostgreSQL source is, from a look at the database and, where it was asked for, the stored offset. Pure. */
export function sampleOf(input: SampleInput): SourceSample {
  const { spec, slotName, state, silence } = input
  const { slot, offsets } = state
  return {
    figures: figuresOf(input),
    silence: silence === undefined ? undefined : { seconds: silence, limit: silenceLimit(spec) },
    snapshot: snapshotState(slot, offsets),
    connected: slot?.active ?? false,
    conditions: [{ type: 'SlotHealthy', health: slotHealth(slotName, state, spec.state) }],
    status: {
      slot: {
        name: slotName,
        ...(slot ? { active: slot.active, walStatus: slot.walStatus } : {}),
      },
    },
  }
}

function snapshotState(slot: SlotState['slot'], offsets: SlotState['offsets']): SourceSample['snapshot'] {
  if (offsets === 'NotAsked') return 'Completed'
  const position = positionOf(offsets)
  if (position) return position.snapshotRunning ? 'Running' : 'Completed'
  return slot ? 'Running' : 'Pending'
}

/**
 * What is confirmed is behind the log's end by a heartbeat's interval and the time until Connect has stored a position
 * even when all is well: that much counts as nothing. None is known during a snapshot.
 */
export function figuresOf(input: Omit<SampleInput, 'silence' | 'slotName'>): SourceFigures {
  const { spec, database, state, offsetFlushMs, reachedAt, now } = input
  const { slot, offsets } = state
  const behind = (from: bigint | undefined) =>
    from === undefined ? undefined : Math.max(0, Number(database.walEnd - from))
  const position = offsets === 'NotAsked' ? undefined : positionOf(offsets)
  const since =
    (slot?.confirmed === undefined ? undefined : reachedAt(slot.confirmed)) ?? position?.deliveredAt
  const allowed = heartbeatSeconds(spec) + offsetFlushMs / 1_000 + LOOK_SECONDS
  const known = since !== undefined && snapshotState(slot, offsets) === 'Completed'
  return {
    seconds: known ? Math.max(0, (now - since) / 1_000 - allowed) : undefined,
    unconfirmedBytes: behind(slot?.confirmed),
    retainedBytes: behind(slot?.restart),
  }
}

/** What the database says of a connector whose tasks Connect calls RUNNING: wrong password, slot in use and a dead Kafka look RUNNING too. */
export function judgeStreaming(sample: SourceSample, view: ConnectorView): Health {
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
      message:
        'Connect says RUNNING, but nobody reads the replication slot: look into the worker’s log for what keeps the connector from connecting',
      afterMs: 2_000,
    }
  }
  const { silence } = sample
  if (silence && silence.seconds > silence.limit) {
    return {
      type: 'NotReady',
      reason: 'NotAdvancing',
      message: `Connect says RUNNING, but no heartbeat has reached Kafka for more than ${silence.limit} s: check Kafka and the log of worker ${view.status?.tasks[0]?.worker ?? ''}`,
    }
  }
  return { type: 'Ready', reason: 'Streaming', message: 'changes are streamed' }
}

function slotHealth(name: string, { slot }: SlotState, state: SourceSpec['state']): Health {
  if (!slot) return { type: 'NotReady', reason: 'SlotNotMade', message: `slot ${name} does not exist yet` }
  if (slot.walStatus === 'unreserved') {
    return {
      type: 'NotReady',
      reason: 'LogHeadroomLow',
      message: `the database may throw away log that slot ${name} needs at the next checkpoint: raise max_slot_wal_keep_size, or let the connector catch up`,
    }
  }
  if (!slot.active && state !== 'Stopped') {
    return {
      type: 'NotReady',
      reason: 'SlotInactive',
      message: `nobody reads slot ${name}, and the database keeps its log for it`,
    }
  }
  return {
    type: 'Ready',
    reason: 'Healthy',
    message: `slot ${name} is ${slot.active ? 'read' : 'idle as asked'}`,
  }
}
