import type { SourceTable } from '../../api/source/index.ts'
import { entryOf, isPattern } from '../../api/source/tables.ts'
import type { ConnectorView } from '../../clients/connect.ts'
import { equal } from '../../lib/json.ts'
import type { Captured, SourceSample } from '../type.ts'
import { tableErrors } from './preflight.ts'
import type { PreflightFacts } from './preflight-facts.ts'
import { includedTables, tableSettings, tableSettingsOf } from './settings.ts'

/**
 * The tables that are captured, each as if it had an entry of its own: what is named, and what a pattern matches and
 * can be captured. Pure.
 */
export function wantedTables(
  facts: Pick<PreflightFacts, 'spec' | 'role' | 'tables' | 'shapes'>,
): readonly SourceTable[] {
  const { tables } = facts.spec
  const exact = tables.filter(({ name }) => !isPattern(name))
  const names = new Set(exact.map(({ name }) => name))
  const matched = facts.tables
    .filter(({ table }) => !names.has(table))
    .flatMap(({ table }) => {
      const entry = entryOf(tables, table)
      return entry ? [{ ...entry, name: table }] : []
    })
    .filter((entry) => tableErrors(facts, entry).length === 0)
  return [...exact, ...matched]
}

/** These tables, or while a first snapshot runs those of it: it begins anew when its connector is told of others. */
export async function unlessCopying(
  tables: readonly SourceTable[],
  connector: ConnectorView | undefined,
  snapshot: () => Promise<SourceSample['snapshot']>,
): Promise<Captured> {
  const settings = tableSettings(tables)
  const present = connector ? tableSettingsOf(connector.config) : settings
  // What failed may have failed because of a table.
  const failed = connector?.status?.tasks.some(({ state }) => state === 'FAILED')
  if (failed || equal(present, settings) || (await snapshot()) !== 'Running')
    return { tables, settings, held: [] }
  const included = includedTables(present)
  return {
    tables: tables.filter(({ name }) => included.includes(name)),
    settings: present,
    held: tables.map(({ name }) => name).filter((name) => !included.includes(name)),
  }
}
