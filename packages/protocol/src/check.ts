import { MAX_KEYS, MAX_NAME } from './codes.ts'
import type { RowChange, Selector, WireRow, WireValue } from './frames.ts'

/** A parsed frame, or one sentence that says what is wrong with it. */
export type Parsed<F> =
  | { readonly type: 'Frame'; readonly frame: F }
  /** A newer peer may send what we do not know; a client ignores it, a gateway refuses it. */
  | { readonly type: 'Unknown'; readonly t: string }
  | { readonly type: 'Bad'; readonly reason: 'TooLarge' | 'NotJson' | 'Field'; readonly message: string }

/** A JSON object before its fields were looked at. */
export type Fields = { readonly [name: string]: unknown }

/** Thrown by the checks below and caught by {@link parseWith}; `message` names the field. */
class BadField extends Error {}

/** Parses text into an object, looks its `t` up in a table and checks its fields; never throws. */
export function parseWith<F>(
  text: string,
  maxBytes: number,
  table: { readonly [t: string]: (fields: Fields) => F },
): Parsed<F> {
  if (bytesBeyond(text, maxBytes)) {
    return { type: 'Bad', reason: 'TooLarge', message: `the frame has more than ${maxBytes} bytes` }
  }
  const fields = parseObject(text)
  if (!fields) return { type: 'Bad', reason: 'NotJson', message: 'the frame is no JSON object' }
  const { t } = fields
  if (typeof t !== 'string') return { type: 'Bad', reason: 'Field', message: '"t" must be a text' }
  const check = Object.hasOwn(table, t) ? table[t] : undefined
  if (!check) return { type: 'Unknown', t }
  try {
    return { type: 'Frame', frame: check(fields) }
  } catch (error) {
    if (error instanceof BadField) return { type: 'Bad', reason: 'Field', message: `${t}: ${error.message}` }
    throw error
  }
}

/** A non-empty text of at most {@link MAX_NAME} units. */
export function name(fields: Fields, field: string): string {
  const value = fields[field]
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME) return value
  throw new BadField(`"${field}" must be a text of 1 to ${MAX_NAME} characters`)
}

/** A text, also a long one such as a token. */
export function text(fields: Fields, field: string): string {
  const value = fields[field]
  if (typeof value === 'string') return value
  throw new BadField(`"${field}" must be a text`)
}

/** A whole number from 0 to 2^53 − 1. */
export function whole(fields: Fields, field: string): number {
  const value = fields[field]
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw new BadField(`"${field}" must be a whole number, 0 or more`)
}

/** A number above 0. */
export function positive(fields: Fields, field: string): number {
  const value = fields[field]
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw new BadField(`"${field}" must be a number above 0`)
}

/** True or false. */
export function bool(fields: Fields, field: string): boolean {
  const value = fields[field]
  if (typeof value === 'boolean') return value
  throw new BadField(`"${field}" must be true or false`)
}

/** One of these texts. */
export function oneOf<T extends string>(fields: Fields, field: string, values: readonly T[]): T {
  const value = values.find((candidate) => candidate === fields[field])
  if (value !== undefined) return value
  throw new BadField(`"${field}" must be one of ${values.join(', ')}`)
}

/** An object. */
export function object(fields: Fields, field: string): Fields {
  const value = fields[field]
  if (isObject(value)) return value
  throw new BadField(`"${field}" must be an object`)
}

/** What an optional field holds, as a part to spread into a frame. */
export function optional<N extends string, T>(
  fields: Fields,
  field: N,
  read: (fields: Fields, field: string) => T,
): { readonly [K in N]?: T } {
  return fields[field] === undefined ? {} : ({ [field]: read(fields, field) } as { readonly [K in N]?: T })
}

/** At most {@link MAX_KEYS} key strings. */
export function keys(fields: Fields, field: string): readonly string[] {
  const value = fields[field]
  if (!Array.isArray(value) || value.length > MAX_KEYS || !value.every(isKey)) {
    throw new BadField(
      `"${field}" must be a list of at most ${MAX_KEYS} texts of at most ${MAX_NAME} characters`,
    )
  }
  return value as readonly string[]
}

/** Exactly one of keys, where, all. */
export function selector(fields: Fields): Selector {
  const given = ['keys', 'where', 'all'].filter((field) => fields[field] !== undefined)
  if (given.length !== 1) throw new BadField('exactly one of "keys", "where" and "all" must be there')
  if (fields['keys'] !== undefined) return { keys: keys(fields, 'keys') }
  if (fields['where'] === undefined) {
    if (fields['all'] === true) return { all: true }
    throw new BadField('"all" can only be true')
  }
  const where = object(fields, 'where')
  const count = Object.keys(where).length
  if (count === 0 || count > 8) throw new BadField('"where" must name 1 to 8 fields')
  return { where: where as { readonly [field: string]: WireValue } }
}

/** A list of `[key, row or null, partition, offset, ts]`. */
export function rows(fields: Fields, field: string): readonly RowChange[] {
  const value = fields[field]
  if (!Array.isArray(value)) throw new BadField(`"${field}" must be a list`)
  if (value.every(isRowChange)) return value
  throw new BadField(`each of "${field}" must be [key, row or null, partition, offset, ts]`)
}

/** Partition numbers, or all. */
export function partitions(
  fields: Fields,
): { readonly partitions: readonly number[] } | { readonly all: true } {
  if (fields['all'] === true) return { all: true }
  const value = fields['partitions']
  if (Array.isArray(value) && value.every(Number.isSafeInteger))
    return { partitions: value as readonly number[] }
  throw new BadField('"partitions" must be a list of whole numbers, or "all" must be true')
}

/** Whether a text takes more than so many bytes in UTF-8. */
export function bytesBeyond(text: string, bytes: number): boolean {
  if (text.length > bytes) return true
  return text.length * 3 > bytes && new TextEncoder().encode(text).byteLength > bytes
}

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is WireRow =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isKey = (value: unknown): boolean => typeof value === 'string' && value.length <= MAX_NAME

function isRowChange(value: unknown): value is RowChange {
  if (!Array.isArray(value) || value.length < 5) return false
  const [key, row, partition, offset, ts] = value as readonly unknown[]
  return (
    typeof key === 'string' &&
    (row === null || isObject(row)) &&
    Number.isSafeInteger(partition) &&
    Number.isSafeInteger(offset) &&
    typeof ts === 'number'
  )
}
