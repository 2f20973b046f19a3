import type { Captured } from '../../sources/type.ts'
import type { OpenSource } from './open.ts'

/** The tables of a Source, or why a pattern could not be resolved now. */
export type Resolved =
  | { readonly type: 'Resolved'; readonly captured: Captured }
  | { readonly type: 'Unresolved'; readonly error: unknown }

/** What stands for the tables of a Source that are not known: nothing may be made or taken away by it. */
export const UNRESOLVED: Captured = { tables: [], held: [], settings: {} }

/** Asks which tables a Source captures now; never throws. */
export function resolveTables({ database }: OpenSource, signal: AbortSignal): Promise<Resolved> {
  return database.captured(signal).then(
    (captured) => ({ type: 'Resolved', captured }),
    (error: unknown) => ({ type: 'Unresolved', error }),
  )
}
