import type { ConnectOffset } from '../../clients/connect.ts'
import { isPostgresError, type PostgresClient } from '../../clients/postgres.ts'
import type { ExternalResource, Health, ResourceId } from '../../external/contract.ts'
import type { History } from '../../lag/board.ts'
import { Waiting } from '../../lib/verdict.ts'
import { blindRetention, LOSSES, type Position, positionOf, remadeSlot, retention } from './position.ts'
import { type DatabaseView, readDatabase, type SlotView } from './queries.ts'
import { forgetSlot } from './remade.ts'

/** What a slot works with. */
export interface SlotContext {
  readonly client: PostgresClient
  readonly database: (signal: AbortSignal, after?: number) => Promise<DatabaseView>
  readonly offsets: (signal: AbortSignal, after?: number) => Promise<readonly ConnectOffset[] | undefined>
  readonly verdict: (error: unknown) => never
  readonly now: () => number
  /** Whether a slot that is read from, and has come this far, says by itself how far its reader is. */
  readonly tellsEnough: (slot: SlotView) => boolean
  /** Whether it is another slot than at an earlier look, and only its name is the same. */
  readonly remade: (slot: SlotView) => boolean
  readonly history: History
  /** A loss that was seen before; it stands as long as there is a position to which it belongs. */
  readonly seen: Health | undefined
  /** What it comes to for this Source, which may never have run. */
  readonly judge: (found: Health) => Health
}

/** Forgets the position and drops the slot, so that the next start is a first one; undefined where that is not wanted. */
export type Renewal = ((signal: AbortSignal) => Promise<void>) | undefined

/** A slot beside the position that our connector has stored; NotAsked: it is streaming, and the slot tells enough. */
export interface SlotState {
  readonly slot: SlotView | undefined
  readonly offsets: readonly ConnectOffset[] | undefined | 'NotAsked'
  /** Why the offsets could not be read. */
  readonly unknown?: Waiting
  /** While they could not, the slot was moved with nobody reading it. */
  readonly moved?: boolean
  /** It is another than at an earlier look. */
  readonly remade?: boolean
}

/** A slot's name in a ledger. */
export const slotId = (name: string): ResourceId => ({ kind: 'ReplicationSlot', name })

/**
 * A replication slot. It is never made here: Debezium's snapshot is consistent only with a slot that it makes itself.
 * It is watched, renewed where rows are gone and `renew` is given, and dropped when its Source goes.
 */
export function slot(context: SlotContext, name: string, renew: Renewal): ExternalResource<SlotState> {
  return {
    id: slotId(name),
    observe: (signal, after) => slotState(context, name, signal, after),
    diff: (state) => {
      const found = slotRetention(context, name, state)
      return renew && found.type === 'Broken' && LOSSES.includes(found.reason)
        ? [{ what: `a new snapshot is taken (${found.reason}): ${found.message}` }]
        : []
    },
    health: (state) => slotRetention(context, name, state),
    apply: async (_observed, _changes, signal) => renew?.(signal),
    remove: (signal) => dropSlot(context, name, signal),
  }
}

/** Drops a slot; gone already is success, and Waiting is thrown while somebody reads it. */
export async function dropSlot(
  { client, verdict }: Pick<SlotContext, 'client' | 'verdict'>,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const { slots } = await readDatabase(client, signal).catch(verdict)
  const found = slots.get(name)
  if (!found) return
  if (found.active)
    throw new Waiting(
      'SlotInUse',
      `slot ${name} is still read from: it is dropped when its reader has gone`,
      2_000,
    )
  await client.query('select pg_drop_replication_slot($1)', [name], signal).catch((error: unknown) => {
    // 42704: gone already. 55006: a reader came meanwhile.
    if (isPostgresError(error, '42704')) return
    if (isPostgresError(error, '55006'))
      throw new Waiting('SlotInUse', `slot ${name} is still read from`, 2_000)
    verdict(error)
  })
}

/**
 * Reads the slot first and the offsets second: the other way round, a healthy stream looks like a gap. Shared answers
 * may be of different age, so that what looks lost is looked at once more before it is believed.
 */
export async function slotState(
  context: SlotContext,
  name: string,
  signal: AbortSignal,
  after?: number,
): Promise<SlotState> {
  const look = async (since?: number): Promise<SlotState> => {
    const { slots } = await context.database(signal, since)
    const found = slots.get(name)
    const remade = found !== undefined && context.remade(found)
    // A loss once seen is looked into anew each time.
    if (since === undefined && found && !context.seen && !remade && context.tellsEnough(found)) {
      context.history.drop(STRANDED)
      return { slot: found, offsets: 'NotAsked' }
    }
    try {
      const offsets = await context.offsets(signal, since === undefined ? undefined : context.now())
      context.history.drop(STRANDED)
      if (offsets && !positionOf(offsets)) forgetSlot(context.history)
      noteFirst(context.history, positionOf(offsets))
      return { slot: found, offsets, remade }
    } catch (error) {
      if (!(error instanceof Waiting)) throw error
      const moved = hasMoved(context.history, found)
      return { slot: found, offsets: undefined, unknown: error, moved, remade }
    }
  }
  const state = await look(after)
  const doubtful = !state.unknown && retention(name, state.slot, state.offsets).type === 'Broken'
  return doubtful ? look(context.now()) : state
}

/** Where the snapshot ended, until a position of the stream is stored. */
const FIRST = 'firstPosition'

function noteFirst(history: History, position: Position | undefined): void {
  const { furthest, streamed, snapshotRunning } = position ?? {}
  if (furthest === undefined || streamed || snapshotRunning) history.drop(FIRST)
  else history.retain(FIRST, String(furthest))
}

/** Whether a slot lets go of log beyond the first position, by the latest look at that; a newer one tells for certain. */
export function mayBeBeyond(history: History, { restart }: SlotView): boolean {
  const first = history.recall(FIRST)
  return first !== undefined && restart !== undefined && restart > BigInt(first)
}

/** Where the slot stood when nobody read it and Connect was away. */
const STRANDED = 'strandedPosition'

function hasMoved(history: History, found: SlotView | undefined): boolean {
  if (!found || found.active || found.confirmed === undefined) {
    history.drop(STRANDED)
    return false
  }
  const position = Number(found.confirmed)
  const before = history.latest(STRANDED) ?? position
  history.record(STRANDED, before)
  // An answer that was asked for by a former login may come late.
  return position > before
}

/** Whether the log still holds everything after the stored position; a loss once seen is not forgotten. */
export function slotRetention(
  { seen, judge }: Pick<SlotContext, 'seen' | 'judge'>,
  name: string,
  { slot: found, offsets, unknown, moved = false, remade = false }: SlotState,
): Health {
  // A worker that has just come back knows no connector for a moment, which tells nothing of its position.
  const untold = unknown || offsets === 'NotAsked' || (found && offsets === undefined)
  if (seen && (untold || positionOf(offsets))) return seen
  const health = unknown ? blindRetention(name, found, moved, unknown) : retention(name, found, offsets)
  // Positions tell by how much, as long as they tell.
  const skips = remade && health.type !== 'Broken' && (untold || positionOf(offsets))
  return judge(skips && found ? remadeSlot(name, found) : health)
}
