import type { Reads } from './cel-ast.ts'
import { type CelColumns, type CelColumnType, elementType } from './cel-env.ts'

/** What an expression may give: JSON without numbers that JSON cannot hold. */
export type CelResult =
  | null
  | boolean
  | number
  | string
  | readonly CelResult[]
  | { readonly [name: string]: CelResult }

/** A row or an old row as an expression is given it: column values as they go over the wire. */
export type CelRow = Readonly<Record<string, unknown>>

/** Longest list that an expression may go through. */
export const MAX_LIST = 1_000

/** The columns that are read, with integers as CEL's own integers. */
export function toCel(row: CelRow, reads: Reads, columns: CelColumns): CelRow {
  const names = reads === 'all' ? Object.keys(row) : reads
  const converted: Record<string, unknown> = {}
  for (const name of names) {
    if (Object.hasOwn(row, name)) converted[name] = integerOr(row[name], columns?.[name])
  }
  return converted
}

function integerOr(value: unknown, type: CelColumnType | undefined): unknown {
  if (Array.isArray(value)) return value.map((each) => integerOr(each, elementType(type)))
  if (type === 'int32' && Number.isInteger(value)) return BigInt(value as number)
  if (type === 'int64' && typeof value === 'string' && /^-?[0-9]+$/.test(value)) return BigInt(value)
  return value
}

/** Whether some list in these values is longer than an expression may go through. */
export function longList(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > MAX_LIST
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(longList)
}

/** A result as JSON: integers and other wide values are texts, whatever their size. */
export function fromCel(value: unknown): CelResult {
  switch (typeof value) {
    case 'bigint':
      return String(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'string':
    case 'boolean':
      return value
    case 'object':
      return value === null ? null : objectFromCel(value)
    case 'undefined':
    case 'function':
    case 'symbol':
      return null
  }
}

function objectFromCel(value: object): CelResult {
  if (Array.isArray(value)) return value.map(fromCel)
  if (value instanceof Set) return [...value].map(fromCel)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  const entries = value instanceof Map ? [...value] : isPlain(value) ? Object.entries(value) : undefined
  // What is left prints itself: durations, unsigned integers, types.
  return entries
    ? Object.fromEntries(entries.map(([name, inner]) => [String(name), fromCel(inner)]))
    : String(value)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
