import type { ColumnValue, Row } from '../contracts/row.ts'
import type { ColumnType, ScalarType } from '../contracts/workload.ts'
import { isObject, parseJson } from '../lib/json.ts'
import { isUnavailable } from './unavailable.ts'

/** Types of columns by name; undefined where they are unknown. */
export type Columns = Readonly<Record<string, ColumnType>> | undefined

/** How Debezium writes the special values of a decimal (measured with 3.6.1), and how we do. */
const SPECIAL_DECIMALS: Readonly<Record<string, string>> = {
  NAN: 'NaN',
  POSITIVE_INFINITY: 'Infinity',
  NEGATIVE_INFINITY: '-Infinity',
}

/** A date or time of day in Debezium's isostring mode: it carries a Z that means nothing. */
const ZONED_DATE_OR_TIME = /^([+-]?\d{4,}-\d\d-\d\d|\d\d:\d\d:\d\d(\.\d+)?)Z$/

/**
 * What Debezium 3.6.1 makes of the dates and timestamps `infinity` and `-infinity`, in snapshots, in the log and in
 * arrays: days and instants that no PostgreSQL date can be, and the two timestamps at the ends of a Java long.
 */
const INFINITIES: readonly (readonly [RegExp, string])[] = [
  [/^(\+292278994-|-5877611-06-21Z|\+294247-01-10T04:00:25\.2Z)/, 'infinity'],
  [/^(\+292269055-|-5877611-06-22Z|-290308-12-21T19:59:27\.6Z)/, '-infinity'],
]

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
  if (!type?.endsWith('[]')) return readScalar(value, type as ScalarType | undefined)
  const element = type.slice(0, -2) as ScalarType
  return Array.isArray(value) ? value.map((each) => readValue(each, element)) : plain(value)
}

function readScalar(value: unknown, type: ScalarType | undefined): ColumnValue {
  switch (type) {
    case 'int64':
      return typeof value === 'number' || typeof value === 'bigint' ? String(value) : plain(value)
    case 'decimal':
      return typeof value === 'string' ? (SPECIAL_DECIMALS[value] ?? value) : String(value)
    case 'double':
      return typeof value === 'bigint' ? Number(value) : plain(value)
    case 'time':
      return typeof value === 'string' ? readTime(value) : plain(value)
    case 'encoded':
      return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : plain(value)
    case 'bool':
    case 'int32':
    case 'string':
    case 'json':
    case 'bytes':
    case undefined:
      return plain(value)
  }
}

function readTime(text: string): string {
  // Only years beyond four digits carry a sign.
  const signed = text.startsWith('+') || text.startsWith('-')
  const infinity = signed ? INFINITIES.find(([written]) => written.test(text)) : undefined
  return infinity?.[1] ?? text.replace(ZONED_DATE_OR_TIME, '$1')
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
