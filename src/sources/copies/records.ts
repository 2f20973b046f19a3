import type { ExternalResource } from '../../external/contract.ts'
import { begun, type CopyContext, recordsOf, write } from './context.ts'
import type { TableRecords } from './record.ts'
import { listed } from './sentences.ts'
import { unrecorded } from './steps.ts'

/** What is written down beside what the connector captures. */
export interface RecordsObservation {
  readonly records: TableRecords
  /** Undefined: there is no connector yet, and its first snapshot will copy every table. */
  readonly captured: readonly string[] | undefined
}

const RECENT_MS = 2_000

/**
 * The intent to copy tables, written before the connector captures them: whoever finds a table that is captured can
 * tell from it whether its rows are there, whatever was interrupted in between.
 */
export function copyRecords(
  context: CopyContext,
  tables: readonly string[],
): ExternalResource<RecordsObservation> {
  const { topics, life, added } = context
  return {
    id: { kind: 'CopyRecords', name: topics.copies },
    observe: async (signal, after) => {
      const captured = await context.captured(signal)
      const settled = captured && tables.every((table) => captured.includes(table))
      const maxAge = after !== undefined ? 0 : settled ? Number.POSITIVE_INFINITY : RECENT_MS
      return { captured, records: await recordsOf(context, signal, maxAge) }
    },
    diff: ({ captured, records }) => {
      const missing = unrecorded(tables, captured, records, { life, added })
      return missing.length === 0 ? [] : [{ what: `to be copied: ${listed(missing)}` }]
    },
    health: () => ({ type: 'Ready' }),
    apply: async (observed, _changes, signal) => {
      const { captured, records } = observed ?? { captured: undefined, records: new Map() }
      const intent = captured
        ? ({ by: added, why: 'it was added', startsAnew: true } as const)
        : ({ by: 'Initial', why: 'the connector is new', startsAnew: true } as const)
      const wanted = unrecorded(tables, captured, records, { life, added }).map((table) => ({
        table,
        ...intent,
      }))
      await write(context, await begun(context, wanted, records, signal), signal)
    },
    remove: async () => undefined,
  }
}

/** The intent to copy all of these tables by a first snapshot that has still to be taken. */
export async function recordAnew(
  context: CopyContext,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const records = await recordsOf(context, signal, RECENT_MS)
  const intent = { by: 'Initial', why: 'changes were lost', startsAnew: true } as const
  const intents = tables.map((table) => ({ table, ...intent }))
  await write(context, await begun(context, intents, records, signal), signal)
  // Nothing else asks soon: whoever reads these next must not be told of before.
  await recordsOf(context, signal, 0)
}
