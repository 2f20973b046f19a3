import type { SourceSpec, SourceStatus } from '../../api/source/index.ts'
import type { Health } from '../../external/contract.ts'
import type { History } from '../../lag/board.ts'
import { headroomWords, type SlotLook, slotHealth } from './health.ts'
import type { DatabaseView, SlotView } from './queries.ts'
import { heartbeatSeconds } from './settings.ts'

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

function lookOf({ spec, shown, slotName, role, database, history, now }: WatchInput): SlotLook {
  const slot = database.slots.get(slotName)
  if (slot) {
    history.record('slotActive', slot.active ? 1 : 0)
    history.record('slotIdle', slot.active ? 0 : 1)
    history.record('walEnd', Number(database.walEnd))
    if (slot.safeBytes !== undefined) history.record('safeBytes', Number(slot.safeBytes))
    if (slot.confirmed !== undefined) history.record('confirmedPosition', Number(slot.confirmed))
  }
  const before = shown?.slot?.active === false ? shown.slot.idleSince : undefined
  const idleSince = slot?.inactiveSince ?? before ?? new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    ...{ name: slotName, slot, role, wanted: spec.state, longWriters: database.longWriters },
    idle: history.standing('slotIdle', 0.5) === 'Over',
    held: history.standing('slotActive', 0.5) === 'Over',
    idleSince: slot && !slot.active ? idleSince : undefined,
    still: spec.state === 'Running' && standsStill(history, heartbeatSeconds(spec)),
    headroomSeconds: headroomSeconds(slot, history),
  }
}

/** A window in which the position moves with every heartbeat and every store of offsets (60 s by default), if at all. */
const STILL_MS = 110_000
const LONGEST_BEAT_SECONDS = 45

const standsStill = (history: History, beatSeconds: number): boolean =>
  beatSeconds <= LONGEST_BEAT_SECONDS &&
  history.perSecond('confirmedPosition', STILL_MS) === 0 &&
  (history.perSecond('walEnd', STILL_MS) ?? 0) > 0

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
