import type { ConnectOffset } from '../../clients/connect.ts'
import { isPostgresError, type PostgresClient } from '../../clients/postgres.ts'
import type { ExternalResource } from '../../external/contract.ts'
import { Waiting } from '../../lib/verdict.ts'
import { retention } from './position.ts'
import { type DatabaseView, readDatabase, type SlotView } from './queries.ts'

/** What a slot works with. */
export interface SlotContext {
  readonly client: PostgresClient
  readonly database: (signal: AbortSignal, after?: number) => Promise<DatabaseView>
  readonly offsets: (signal: AbortSignal, after?: number) => Promise<readonly ConnectOffset[] | undefined>
  readonly verdict: (error: unknown) => never
  readonly now: () => number
  /** Whether a slot that is read from, and has come this far, says by itself how far its reader is. */
  readonly tellsEnough: (slot: SlotView) => boolean
}

/** A slot beside the position that our connector has stored; NotAsked: it is streaming, and the slot tells enough. */
export interface SlotState {
  readonly slot: SlotView | undefined
  readonly offsets: readonly ConnectOffset[] | undefined | 'NotAsked'
}

/**
 * A replication slot. It is never made here: Debezium's snapshot is consistent only with a slot that it makes itself.
 * It is watched, and dropped when its Source goes.
 */
export function slot(context: SlotContext, name: string): ExternalResource<SlotState> {
  return {
    id: { kind: 'ReplicationSlot', name },
    observe: (signal, after) => slotState(context, name, signal, after),
    diff: () => [],
    health: ({ slot: found, offsets }) => retention(name, found, offsets),
    apply: async () => undefined,
    remove: async (signal) => {
      const { slots } = await readDatabase(context.client, signal).catch(context.verdict)
      const found = slots.get(name)
      if (!found) return
      if (found.active)
        throw new Waiting(
          'SlotInUse',
          `slot ${name} is still read from: it is dropped when its reader has gone`,
          2_000,
        )
      await context.client
        .query('select pg_drop_replication_slot($1)', [name], signal)
        .catch((error: unknown) => {
          // 42704: gone already. 55006: a reader came meanwhile.
          if (isPostgresError(error, '42704')) return
          if (isPostgresError(error, '55006'))
            throw new Waiting('SlotInUse', `slot ${name} is still read from`, 2_000)
          context.verdict(error)
        })
    },
  }
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
    if (since === undefined && found && context.tellsEnough(found))
      return { slot: found, offsets: 'NotAsked' }
    const offsets = await context.offsets(signal, since === undefined ? undefined : context.now())
    return { slot: found, offsets }
  }
  const state = await look(after)
  return retention(name, state.slot, state.offsets).type === 'Broken' ? look(context.now()) : state
}
