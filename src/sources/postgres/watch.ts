import type { SourceSpec, SourceStatus } from '../../api/source/index.ts'
import type { Health } from '../../external/contract.ts'
import type { History } from '../../lag/board.ts'
import { headroomWords, type SlotLook, slotHealth } from './health.ts'
import type { DatabaseView, SlotView } from './queries.ts'
import { silenceLimit } from './settings.ts'

/** What a slot is watched by. */
export interface WatchInput {
  readonly spec: SourceSpec
  /** What the status shows now. */
  readonly shown: SourceStatus | undefined
  readonly slotName: string
  /** The connector's role. */
  readonly role: string
  readonly database: DatabaseView
  readonly history: History
  /** Milliseconds after which Connect has stored a position. */
  readonly offsetFlushMs: number
  readonly now: number
}

/** A slot over the last two minutes. */
export interface SlotWatch {
  readonly health: Health
  readonly status: NonNullable<SourceStatus['slot']>
  /** All of it that is worth a look, in one line. */
  readonly face: string
}

/** Remembers in the history what the slot is like, and says what that comes to. */
export function watchSlot(input: WatchInput): SlotWatch {
  const look = lookOf(input)
  const { slot } = look
  const health = slotHealth(look)
  const status = { name: input.slotName, ...(slot ? slotStatus(look, slot, input.shown) : {}) }
  // Since when it is idle follows from being so.
  const { idleSince: _since, ...rest } = status
  return { health, status, face: JSON.stringify([health.reason, rest]) }
}

function lookOf(input: WatchInput): SlotLook {
  const { spec, shown, slotName, role, database, history, now } = input
  const slot = database.slots.get(slotName)
  if (slot) {
    history.record('slotActive', slot.active ? 1 : 0)
    history.record('slotIdle', slot.active ? 0 : 1)
    if (slot.safeBytes !== undefined) history.record('safeBytes', Number(slot.safeBytes))
  }
  const before = shown?.slot?.active === false ? shown.slot.idleSince : undefined
  const idleSince = slot?.inactiveSince ?? before ?? new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    ...{ name: slotName, slot, role, wanted: spec.state, longWriters: database.longWriters },
    heartbeatFunction: database.heartbeatFunction,
    idle: history.standing('slotIdle', 0.5) === 'Over',
    held: history.standing('slotActive', 0.5) === 'Over',
    idleSince: slot && !slot.active ? idleSince : undefined,
    still: standsStill(input, slot),
    headroomSeconds: headroomSeconds(slot, history),
  }
}

/** Whether a slot that is read has not moved since before the log last grew, for longer than a heartbeat needs to move it. */
function standsStill(
  { spec, database, history, offsetFlushMs }: WatchInput,
  slot: SlotView | undefined,
): boolean {
  if (!slot?.active || slot.confirmed === undefined || spec.state !== 'Running') {
    history.drop(READ_POSITION)
    return false
  }
  const stillMs = history.stillMs(READ_POSITION, slot.confirmed)
  const grewMs = history.stillMs('logEnd', database.walEnd)
  return stillMs > grewMs && stillMs >= silenceLimit(spec) * 1_000 + offsetFlushMs
}

const READ_POSITION = 'readPosition'

function headroomSeconds(slot: SlotView | undefined, history: History): number | undefined {
  const rate = history.perSecond('safeBytes', 30_000)
  if (slot?.safeBytes === undefined || rate === undefined) return undefined
  return rate < 0 ? Number(slot.safeBytes) / -rate : Number.POSITIVE_INFINITY
}

/** The position is shown while it stands still: one that moves would be written again and again. */
function slotStatus(
  { headroomSeconds: seconds, idleSince, longWriters }: SlotLook,
  slot: SlotView,
  shown: SourceStatus | undefined,
): Omit<SlotWatch['status'], 'name'> {
  const known = shown?.slot?.headroom
  const headroom =
    slot.safeBytes === undefined ? UNBOUNDED : seconds === undefined ? known : headroomWords(seconds, known)
  const [writer] = slot.confirmed === undefined ? longWriters : []
  return {
    active: slot.active,
    walStatus: slot.walStatus,
    ...(slot.walStatus !== 'lost' && headroom ? { headroom } : {}),
    ...(idleSince ? { idleSince } : {}),
    ...(!slot.active && slot.confirmedLsn ? { confirmedLsn: slot.confirmedLsn } : {}),
    ...(writer ? { blockingPid: writer.pid } : {}),
  }
}

const UNBOUNDED = 'not bounded: max_slot_wal_keep_size is not set'
