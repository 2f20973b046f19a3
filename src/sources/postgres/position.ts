import type { ConnectOffset } from '../../clients/connect.ts'
import type { Health } from '../../external/contract.ts'
import { Stalled, type Waiting } from '../../lib/verdict.ts'
import type { SlotView } from './queries.ts'
import { STALE_OFFSETS } from './stale.ts'

/** How a Source goes on whose changes are lost. */
const NEW_SNAPSHOT =
  'Set snapshot.mode to WhenNeeded, or delete this Source and make it again, to take a new snapshot'

/** A connector's stored position. */
export interface Position {
  /** The furthest position that the stored offset speaks of, in bytes. */
  readonly furthest: bigint | undefined
  /** Commit time of the last delivered change, milliseconds since 1970. */
  readonly deliveredAt: number | undefined
  readonly snapshotRunning: boolean
  /** Whether it is one of the stream: Debezium refuses to go on from it where the slot has no log of that age any more. */
  readonly streamed: boolean
}

/** Reads Debezium's offset; undefined where none is stored. Fields may be absent (postgres: lsn, lsn_proc, lsn_commit). */
export function positionOf(offsets: readonly ConnectOffset[] | undefined): Position | undefined {
  const offset = offsets?.[0]?.offset
  if (!offset) return undefined
  const positions = ['lsn', 'lsn_proc', 'lsn_commit'].flatMap((field) => {
    const value = offset[field]
    return typeof value === 'number' || typeof value === 'bigint' ? [BigInt(value)] : []
  })
  const micros = offset['ts_usec']
  return {
    furthest: positions.length > 0 ? positions.reduce((a, b) => (a > b ? a : b)) : undefined,
    deliveredAt:
      typeof micros === 'number' || typeof micros === 'bigint' ? Number(micros) / 1_000 : undefined,
    snapshotRunning: offset['snapshot'] !== undefined && offset['snapshot_completed'] !== true,
    streamed: offset['lsn_proc'] !== undefined && offset['lsn_proc'] !== null,
  }
}

/**
 * Whether the log still holds everything after the stored position. Rows are gone when the slot was confirmed beyond
 * every position of the stored offset; Debezium goes on and skips them, whatever offset.mismatch.strategy says.
 * `slot` must have been read before `offsets`.
 */
export function retention(
  slotName: string,
  slot: SlotView | undefined,
  offsets: readonly ConnectOffset[] | undefined | 'NotAsked',
): Health {
  const held: Health = {
    type: 'Ready',
    message: `the log after the stored position is held by slot ${slotName}`,
  }
  if (offsets === 'NotAsked') return held
  const position = positionOf(offsets)
  if (!slot) {
    if (!position)
      return { type: 'Ready', reason: 'NotYetMade', message: `slot ${slotName} is made by the first start` }
    return {
      type: 'Broken',
      reason: 'SlotMissing',
      message: `slot ${slotName} is gone while a position is stored: it was dropped, or this server took over in a failover and never had it. Changes since then are lost. ${NEW_SNAPSHOT}. From PostgreSQL 17 on, a slot outlives a failover with postgres.slot.failover: Enabled and sync_replication_slots on the standbys`,
    }
  }
  if (slot.walStatus === 'lost') {
    return {
      type: 'Broken',
      reason: 'SlotLost',
      message: `the database has thrown away log that slot ${slotName} needed (max_slot_wal_keep_size). ${NEW_SNAPSHOT}`,
    }
  }
  if (!position && offsets === undefined) {
    return {
      type: 'Broken',
      reason: 'SlotExistsBeforeSnapshot',
      message: `slot ${slotName} exists before the snapshot, and commits made around it would be lost: SELECT pg_drop_replication_slot('${slotName}'), or set adoptionPolicy to Adopt to go on from the offsets of an earlier connector`,
    }
  }
  const beyond = position && bytesBeyond(slot, position)
  if (beyond !== undefined && beyond > 0n) {
    return {
      type: 'Broken',
      reason: 'OffsetBehindSlot',
      message: `slot ${slotName} was moved ${beyond} bytes beyond the stored position: changes between them would be skipped, and the connector is stopped. ${NEW_SNAPSHOT}`,
    }
  }
  return held
}

/**
 * How far a slot is beyond the stored position. One that is read confirms before its offset shows; but that it also lets
 * go of log before the first position of the stream is stored, only a slot does that was made after the snapshot.
 */
function bytesBeyond(
  { active, confirmed, restart }: SlotView,
  { furthest, streamed, snapshotRunning }: Position,
): bigint | undefined {
  const tells = !active ? confirmed : streamed || snapshotRunning ? undefined : restart
  return tells === undefined || furthest === undefined ? undefined : tells - furthest
}

/** What it comes to when a slot was dropped and another made under its name. */
export function remadeSlot(slotName: string, { confirmedLsn }: SlotView): Health {
  return {
    type: 'Broken',
    reason: 'OffsetBehindSlot',
    message: `slot ${slotName} was moved by another hand, which dropped it and made it again, to ${confirmedLsn} or before: changes until then were skipped, and the connector is stopped. ${NEW_SNAPSHOT}`,
  }
}

/** Reasons for which rows are gone: whoever went on would skip them. */
export const LOSSES: readonly string[] = ['SlotMissing', 'SlotLost', 'OffsetBehindSlot', STALE_OFFSETS]

/**
 * As `retention`, where Connect does not answer and the stored position is unknown. `moved` tells that the slot was
 * confirmed further while nobody read it and Connect was gone, which only another hand can do.
 */
export function blindRetention(
  slotName: string,
  slot: SlotView | undefined,
  moved: boolean,
  unknown: Waiting,
): Health {
  if (slot?.walStatus === 'lost') return retention(slotName, slot, undefined)
  if (moved)
    return {
      type: 'Broken',
      reason: 'OffsetBehindSlot',
      message: `slot ${slotName} was moved to ${slot?.confirmedLsn} by another hand while nobody read it and Kafka Connect was away: changes before that would be skipped, and the connector is stopped. ${NEW_SNAPSHOT}`,
    }
  return { type: 'NotReady', reason: unknown.reason, message: unknown.message, afterMs: unknown.afterMs }
}

/** Throws Stalled when a start would skip changes or make a snapshot that loses some. */
export function refuseLoss(health: Health): void {
  if (health.type === 'Broken') throw new Stalled(health.reason, health.message)
}
