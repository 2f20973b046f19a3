import type { TableShape } from '../type.ts'
import type { ColumnView } from './queries.ts'
import { columnType } from './types.ts'

/** Shapes of tables from the catalogue; `keys` names the columns of tables whose key the spec gives. */
export function tableShapes(
  columns: readonly ColumnView[],
  keys: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, TableShape> {
  const byTable = Map.groupBy(columns, ({ table }) => table)
  return new Map(
    [...byTable].map(([table, own]) => [
      table,
      {
        key: keys.get(table) ?? primaryKey(own),
        columns: Object.fromEntries(own.map(({ name, type }) => [name, columnType(type)])),
      },
    ]),
  )
}

const primaryKey = (columns: readonly ColumnView[]): readonly string[] =>
  columns
    .filter(({ keyPlace }) => keyPlace > 0)
    .toSorted((a, b) => a.keyPlace - b.keyPlace)
    .map(({ name }) => name)
