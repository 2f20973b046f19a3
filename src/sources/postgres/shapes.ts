import type { ColumnType } from '../../contracts/workload.ts'
import type { TableShape } from '../type.ts'
import type { ColumnView } from './queries.ts'

const TYPES: Readonly<Record<string, ColumnType>> = {
  bool: 'bool',
  int2: 'int32',
  int4: 'int32',
  int8: 'int64',
  oid: 'int64',
  numeric: 'decimal',
  money: 'decimal',
  float4: 'double',
  float8: 'double',
  json: 'json',
  jsonb: 'json',
  bytea: 'bytes',
  timestamp: 'time',
  timestamptz: 'time',
  date: 'time',
  time: 'time',
  timetz: 'time',
  '[]': 'array',
}

/** How a column of this PostgreSQL type is read from Debezium's JSON with the settings that we own. */
export function columnType(type: string): ColumnType {
  return TYPES[type] ?? 'string'
}

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
