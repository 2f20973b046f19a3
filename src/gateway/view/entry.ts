import type { Row } from '../../contracts/row.ts'
import { canonical } from '../../lib/json.ts'

/** The newest change of a key, encoded once for all who get it. */
export interface Entry {
  readonly key: string
  readonly partition: number
  readonly offset: number
  /** Commit time at the source, milliseconds since 1970. */
  readonly ts: number
  /** The columns that selectors and the policy read; undefined when the row is gone. */
  readonly row: Row | undefined
  /** The change as it stands in a frame: `["key",{…},p,o,ts]`. */
  readonly wire: string
  /** Bytes of `wire` in UTF-8. */
  readonly bytes: number
}

/** What became of one record: the key's entry now, and the row that it replaced (undefined: none known). */
export interface Change {
  readonly entry: Entry
  readonly before: Row | undefined
}

/** A row as a view keeps it. */
export interface Projected {
  readonly row: Row
  /** What clients get, as JSON. */
  readonly json: string
}

/** Makes an entry; `projected` undefined is a delete. */
export function entryOf(
  at: Pick<Entry, 'key' | 'partition' | 'offset' | 'ts'>,
  projected: Projected | undefined,
): Entry {
  const wire = wireOf(at, projected?.json ?? 'null')
  return { ...at, row: projected?.row, wire, bytes: Buffer.byteLength(wire) }
}

/** A delete of an entry's key at an entry's place, as it stands in a frame. */
export function goneWire(at: Pick<Entry, 'key' | 'partition' | 'offset' | 'ts'>): string {
  return wireOf(at, 'null')
}

/** The row as JSON, out of an entry's wire form. */
export function jsonOf({ key, partition, offset, ts, wire }: Entry): string {
  const head = JSON.stringify(key).length + 2
  const tail = `,${partition},${offset},${ts}]`.length
  return wire.slice(head, -tail)
}

/** How a value is written in an index and compared with a selector's. */
export function indexText(value: unknown): string {
  return typeof value === 'object' && value !== null ? canonical(value) : JSON.stringify(value ?? null)
}

function wireOf(
  { key, partition, offset, ts }: Pick<Entry, 'key' | 'partition' | 'offset' | 'ts'>,
  json: string,
) {
  return `[${JSON.stringify(key)},${json},${partition},${offset},${ts}]`
}
