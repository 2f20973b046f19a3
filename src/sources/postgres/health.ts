import type { SourceSpec } from '../../api/source/index.ts'
import type { Health } from '../../external/contract.ts'
import type { LongWriter, SlotView } from './queries.ts'

/** What the health of a slot is judged by. */
export interface SlotLook {
  readonly name: string
  readonly slot: SlotView | undefined
  readonly wanted: SourceSpec['state']
  /** The connector's role. */
  readonly role: string
  readonly longWriters: readonly LongWriter[]
  /** The function that heartbeats call, as GRANT names it. */
  readonly heartbeatFunction: string
  /** Nobody has read it in the last samples. */
  readonly idle: boolean
  /** Somebody has read it in the last samples. */
  readonly held: boolean
  /** Since when nobody reads it, ISO 8601. */
  readonly idleSince: string | undefined
  /** Read, and its position has not moved for longer than a heartbeat needs, while the log grew. */
  readonly still: boolean
  /** Seconds until log that it needs may be thrown away, at the present rate. */
  readonly headroomSeconds: number | undefined
}

/** Debezium's connection that reads the log bears this name. */
const READER = 'Debezium'

/** Log for less than this is too little for somebody who is asleep. */
const LOW_SECONDS = 3_600

/** Whether a slot does its work, and else what to do. Pure. */
export function slotHealth(look: SlotLook): Health {
  const { name, slot, wanted } = look
  if (!slot) return unhealthy('SlotNotMade', `slot ${name} does not exist yet`)
  if (slot.walStatus === 'lost') return unhealthy('SlotLost', `slot ${name} has lost log that it needs`)
  return (
    blocked(look, slot) ??
    inUse(look, slot) ??
    headroomLow(look, slot) ??
    notMoving(look, slot) ?? {
      type: 'Ready',
      reason: 'Healthy',
      message: `slot ${name} is ${slot.active || wanted !== 'Stopped' ? 'read' : 'idle as asked'}`,
    }
  )
}

const unhealthy = (reason: string, message: string): Health => ({ type: 'NotReady', reason, message })

/** A slot that is being made has confirmed nothing, and waits for every transaction that has written. */
function blocked({ name, longWriters }: SlotLook, slot: SlotView): Health | undefined {
  const [writer] = longWriters
  if (slot.confirmed !== undefined || !writer) return undefined
  const since = writer.since ? ` since ${writer.since}` : ''
  return unhealthy(
    'SlotWaitsForTransaction',
    `slot ${name} cannot be made until the transaction of ${writer.user} (pid ${writer.pid}, open${since}) ends: SELECT pg_terminate_backend(${writer.pid}), or wait`,
  )
}

function inUse({ name, wanted, held, role }: SlotLook, { holder }: SlotView): Health | undefined {
  if (!holder) return undefined
  const { pid, user, application } = holder
  const foreign = (user !== '' && user !== role) || (application !== '' && !application.startsWith(READER))
  if (!foreign && !(held && wanted === 'Stopped')) return undefined
  return unhealthy(
    'SlotInUse',
    `slot ${name} is read by process ${pid} (role ${user || 'unknown'}, application ${application || 'unknown'}), which is not our connector, and changes go there: end it, with SELECT pg_terminate_backend(${pid})`,
  )
}

function headroomLow({ name, headroomSeconds }: SlotLook, slot: SlotView): Health | undefined {
  const remedy =
    'raise max_slot_wal_keep_size (ALTER SYSTEM SET …; SELECT pg_reload_conf()), or let the connector catch up'
  if (slot.walStatus === 'unreserved')
    return unhealthy(
      'LogHeadroomLow',
      `the database may throw away log that slot ${name} needs at the next checkpoint: ${remedy}`,
    )
  return headroomSeconds !== undefined && headroomSeconds < LOW_SECONDS
    ? unhealthy(
        'LogHeadroomLow',
        `at the present rate the database throws away log that slot ${name} needs within the hour: ${remedy}`,
      )
    : undefined
}

function notMoving(
  { name, role, wanted, idle, idleSince, still, heartbeatFunction }: SlotLook,
  slot: SlotView,
): Health | undefined {
  if (!slot.active && idle && wanted !== 'Stopped')
    return unhealthy(
      'SlotInactive',
      `nobody has read slot ${name}${idleSince ? ` since ${idleSince}` : ''}, and the database keeps its log for it: see ConnectorRunning and the worker's log`,
    )
  return slot.active && still
    ? unhealthy(
        'SlotNotAdvancing',
        `slot ${name} is read, but its position stands still while the log grows: see whether Kafka takes records and the worker stores offsets, and, in its log, whether heartbeats are refused; then: GRANT EXECUTE ON FUNCTION ${heartbeatFunction} TO ${role}`,
      )
    : undefined
}

/** Steps of the headroom, in seconds, and how each is said. */
const HEADROOM: readonly (readonly [number, string])[] = [
  [0, 'lost in less than 10 min at the present rate'],
  [600, 'lost in ~10 min at the present rate'],
  [1_800, 'lost in ~30 min at the present rate'],
  [3_600, 'lost in ~1 h at the present rate'],
  [10_800, 'lost in ~3 h at the present rate'],
  [21_600, 'lost in ~6 h at the present rate'],
  [43_200, 'lost in ~12 h at the present rate'],
  [86_400, 'lost in ~1 d at the present rate'],
  [259_200, 'lost in ~3 d at the present rate'],
  [604_800, 'lost in ~7 d at the present rate'],
  [1_209_600, 'not lost within two weeks at the present rate'],
]

/**
 * The headroom in words: the step at or below the seconds. What is shown stays until it is two steps away, so that a
 * figure on an edge writes nothing.
 */
export function headroomWords(seconds: number, shown: string | undefined): string {
  const next = Math.max(
    0,
    HEADROOM.findLastIndex(([from]) => from <= seconds),
  )
  const before = HEADROOM.findIndex(([, words]) => words === shown)
  const index = before >= 0 && Math.abs(before - next) < 2 ? before : next
  return HEADROOM[index]?.[1] ?? ''
}
