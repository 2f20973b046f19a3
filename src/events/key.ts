import type { ColumnValue } from '../contracts/row.ts'
import { isObject } from '../lib/json.ts'
import { type Columns, readValue } from './values.ts'

/**
 * The key string of key values in key order: one is its text, several are percent-encoded and joined by commas. It is
 * the same in Kafka keys of our outputs, REST paths and frames.
 */
export function keyString(values: readonly ColumnValue[]): string {
  const [first = null] = values
  return values.length === 1
    ? textOf(first)
    : values.map((value) => encodeURIComponent(textOf(value).toWellFormed())).join(',')
}

/** The key string of a parsed Debezium key: an object of key fields, or a bare value. Throws when a field is missing. */
export function debeziumKey(parsed: unknown, fields: readonly string[], columns: Columns): string {
  if (!isObject(parsed)) return keyString([readValue(parsed, undefined)])
  const names = fields.length > 0 ? fields : Object.keys(parsed)
  return keyString(
    names.map((name) => {
      if (!Object.hasOwn(parsed, name)) throw new Error(`the key has no field "${name}"`)
      return readValue(parsed[name], columns?.[name])
    }),
  )
}

/** The text of one key value: strings as they are, everything else as JSON. */
export function textOf(value: ColumnValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
