import type { SourceSpec } from '../../api/source/index.ts'
import type { ConnectorView } from '../../clients/connect.ts'
import type { Health } from '../../external/contract.ts'
import { durationMs } from '../../lib/time.ts'
import type { SourceSample } from '../type.ts'
import { positionOf } from './position.ts'
import type { DatabaseView } from './queries.ts'
import { DEFAULT_HEARTBEAT } from './settings.ts'
import type { SlotState } from './slot.ts'

/** Seconds beyond a heartbeat's interval after which a source that shows nothing new is not moving. */
const BEAT_PATIENCE_SECONDS = 18

/** Until a delivered position is stored and has been looked at. */
const STORE_SECONDS = 6

/** How far a PostgreSQL source is, from a look at the database and the stored offsets. Pure. */
export function sampleOf(
  spec: SourceSpec,
  slotName: string,
  database: DatabaseView,
  state: SlotState,
): SourceSample {
  const { slot } = state
  const position = positionOf(state.offsets)
  const behind = (from: bigint | undefined) =>
    from === undefined ? undefined : Math.max(0, Number(database.walEnd - from))
  const interval = durationMs(spec.postgres?.heartbeat?.interval ?? DEFAULT_HEARTBEAT) / 1_000
  return {
    deliveredAt: position?.deliveredAt,
    beatSeconds: interval + BEAT_PATIENCE_SECONDS,
    quietSeconds: interval + STORE_SECONDS,
    unconfirmedBytes: behind(slot?.confirmed),
    retainedBytes: behind(slot?.restart),
    snapshot: position ? (position.snapshotRunning ? 'Running' : 'Completed') : slot ? 'Running' : 'Pending',
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

/** What the database says of a connector whose tasks Connect calls RUNNING: wrong password, slot in use and a dead Kafka look RUNNING too. */
export function judgeStreaming(sample: SourceSample, view: ConnectorView, now: number): Health {
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
  const silence = sample.deliveredAt === undefined ? 0 : (now - sample.deliveredAt) / 1_000
  if (silence > sample.beatSeconds) {
    return {
      type: 'NotReady',
      reason: 'NotAdvancing',
      message: `Connect says RUNNING, but no change or heartbeat has reached Kafka for more than ${sample.beatSeconds} s: check Kafka and the log of worker ${view.status?.tasks[0]?.worker ?? ''}`,
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
