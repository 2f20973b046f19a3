import type { ColumnValue, Row } from '../contracts/row.ts'
import type { ColumnType } from '../contracts/workload.ts'
import { isObject, parseJson } from '../lib/json.ts'

/** Types of columns by name; undefined where they are unknown. */
export type Columns = Readonly<Record<string, ColumnType>> | undefined

/** What Debezium writes for a column whose value PostgreSQL did not log (TOAST, unchanged). */
const UNAVAILABLE = '__debezium_unavailable_value'
const UNAVAILABLE_BASE64 = Buffer.from(UNAVAILABLE).toString('base64')

/** How Debezium writes the special values of a decimal (measured with 3.6.1), and how we do. */
const SPECIAL_DECIMALS: Readonly<Record<string, string>> = {
  NAN: 'NaN',
  POSITIVE_INFINITY: 'Infinity',
  NEGATIVE_INFINITY: '-Infinity',
}

/** A date or time of day in Debezium's isostring mode: it carries a Z that means nothing. */
const ZONED_DATE_OR_TIME = /^([+-]?\d{4,}-\d\d-\d\d|\d\d:\d\d:\d\d(\.\d+)?)Z$/

/** A row as it goes over the wire, and the columns that the source left out as unavailable. */
export interface ReadRow {
  readonly row: Row
  readonly unavailable: readonly string[]
}

const NONE: readonly string[] = []

/** Reads a parsed JSON object as a row: types go by column, never by value. */
export function readRow(object: Record<string, unknown>, columns: Columns): ReadRow {
  const row: Record<string, ColumnValue> = {}
  let unavailable = NONE
  for (const name of Object.keys(object)) {
    const value = object[name]
    if (isUnavailable(value)) unavailable = [...unavailable, name]
    else row[name] = readValue(value, columns?.[name])
  }
  return { row, unavailable }
}

/** Reads one parsed JSON value of a column. */
export function readValue(value: unknown, type: ColumnType | undefined): ColumnValue {
  if (value === null || value === undefined) return null
  switch (type) {
    case 'int64':
      return typeof value === 'number' || typeof value === 'bigint' ? String(value) : plain(value)
    case 'decimal':
      return typeof value === 'string' ? (SPECIAL_DECIMALS[value] ?? value) : String(value)
    case 'double':
      return typeof value === 'bigint' ? Number(value) : plain(value)
    case 'time':
      return typeof value === 'string' ? value.replace(ZONED_DATE_OR_TIME, '$1') : plain(value)
    case 'bool':
    case 'int32':
    case 'string':
    case 'json':
    case 'bytes':
    case 'array':
    case undefined:
      return plain(value)
  }
}

/** JSON as it is; only an integer that a JSON number cannot hold becomes a text. */
function plain(value: unknown): ColumnValue {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(plain)
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
  }
  return value as ColumnValue
}

function isUnavailable(value: unknown): boolean {
  if (typeof value === 'string') return value === UNAVAILABLE || value === UNAVAILABLE_BASE64
  return Array.isArray(value) && value.length === 1 && value[0] === UNAVAILABLE
}

/**
 * Parses JSON without rounding integers of `parts`. The common case costs one JSON.parse: Debezium's own time stamps
 * are beyond 2^53 in every record, and what it says beside the row is never read that exactly.
 */
export function parseExact(text: string, parts: (parsed: unknown) => readonly unknown[]): unknown {
  const parsed: unknown = JSON.parse(text)
  return parts(parsed).some(mayBeRounded) ? parseJson(text) : parsed
}

/** JSON.parse gives an integer beyond 2^53 as another one beyond 2^53. */
function mayBeRounded(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(mayBeRounded)
}
