import type { Notifications } from './notifications.ts'
import type { TableRecords } from './record.ts'

/** How far the copies of a Source's tables are. */
export interface CopyProgress {
  readonly done: number
  readonly total: number
  /** Tables whose rows have still to come, in the order of their names. */
  readonly pending: readonly PendingTable[]
  /** Rows that the copy now under way has come to. */
  readonly rows: number
  /** How often the first snapshot was begun; 0 where it is over or has not begun. */
  readonly begun: number
  /** Tables that are no longer captured and whose topic stays. */
  readonly former: readonly string[]
}

/** A table that is not copied yet. Waiting: not asked for yet. Copying: asked for. Failed: to be tried again. */
export interface PendingTable {
  readonly table: string
  readonly state: 'Waiting' | 'Copying' | 'Failed'
  readonly why: string
}

/** Rows that Debezium reads at once (incremental.snapshot.chunk.size). */
export const CHUNK_ROWS = 1_024

/** How far the copies are. Pure. */
export function progressOf(
  tables: readonly string[],
  records: TableRecords,
  { answers, begun }: Notifications,
): CopyProgress {
  const copying = tables
    .flatMap((table) => records.get(table) ?? [])
    .filter(({ state }) => state === 'Copying')
    .toSorted((a, b) => (a.table < b.table ? -1 : 1))
  const signals = new Map(copying.flatMap(({ signal }) => (signal ? [[signal.id, signal] as const] : [])))
  const chunks = [...signals.values()].reduce(
    (sum, signal) => sum + signal.chunks + (answers.get(signal.id)?.chunks ?? 0),
    0,
  )
  return {
    done: tables.length - copying.length,
    total: tables.length,
    pending: copying.map(({ table, by, why, signal, notBefore }) => ({
      table,
      state: signal || by === 'Initial' ? 'Copying' : notBefore === undefined ? 'Waiting' : 'Failed',
      why,
    })),
    begun: copying.some(({ by }) => by === 'Initial') ? begun : 0,
    rows: chunks * CHUNK_ROWS,
    former: [...records.keys()].filter((table) => !tables.includes(table)).sort(),
  }
}
