import type { SourceTable } from '../../api/source/index.ts'
import { takesColumn } from '../../api/source/tables.ts'
import type { TableShape } from '../type.ts'
import type { ColumnView } from './queries.ts'
import { columnType } from './types.ts'

/** Shapes of tables from the catalogue as they are captured: each with its entry of the spec. */
export function tableShapes(
  columns: readonly ColumnView[],
  entry: (table: string) => SourceTable | undefined,
): ReadonlyMap<string, TableShape> {
  const byTable = Map.groupBy(columns, ({ table }) => table)
  return new Map(
    [...byTable].map(([table, own]) => {
      const wish = entry(table)
      const taken = own.filter(({ name }) => wish === undefined || takesColumn(wish, name))
      const shape = {
        key: wish?.key ?? primaryKey(own),
        columns: Object.fromEntries(taken.map(({ name, type }) => [name, columnType(type)])),
      }
      return [table, shape]
    }),
  )
}

const primaryKey = (columns: readonly ColumnView[]): readonly string[] =>
  columns
    .filter(({ keyPlace }) => keyPlace > 0)
    .toSorted((a, b) => a.keyPlace - b.keyPlace)
    .map(({ name }) => name)
