import { hash } from 'node:crypto'
import { parse as parseLossless } from 'lossless-json'

/** Whatever JSON can hold; integers beyond 2^53 arrive as bigint where a lossless reader was asked for. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json }

/** Whether a parsed value is a JSON object (not an array, not null). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Deep equality of JSON values; the order of an object's keys and keys that are undefined do not count. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index]))
  }
  if (!isObject(a) || !isObject(b)) return false
  return (
    Object.keys(a).every((key) => equal(a[key], b[key])) &&
    Object.keys(b).every((key) => Object.hasOwn(a, key) || b[key] === undefined)
  )
}

/** JSON text with sorted keys, so that equal values give equal texts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join()}]`
  if (!isObject(value)) return JSON.stringify(value)
  const fields = Object.keys(value)
    .sort()
    .flatMap((key) => (value[key] === undefined ? [] : `${JSON.stringify(key)}:${canonical(value[key])}`))
  return `{${fields.join()}}`
}

/** The first 16 hex digits of the SHA-256 of a value's canonical JSON. */
export function hashOf(value: unknown): string {
  return hash('sha256', canonical(value)).slice(0, 16)
}

/**
 * Parses JSON without rounding: an integer beyond 2^53 becomes a bigint, everything else what JSON.parse gives.
 * Throws a SyntaxError for text that is no JSON.
 */
export function parseJson(text: string): Json {
  return mayRound(text)
    ? (parseLossless(text, undefined, losslessNumber) as Json)
    : (JSON.parse(text) as Json)
}

/** JSON.stringify that writes a bigint as a bare integer. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? JSON.rawJSON(item.toString()) : item,
  )
}

/** A run of 16 digits or more is the only place where JSON.parse can round an integer. */
const mayRound = (text: string): boolean => /[0-9]{16}/.test(text)

function losslessNumber(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) || !/^-?[0-9]+$/.test(text) ? number : BigInt(text)
}
