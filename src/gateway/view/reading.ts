import type { KafkaRecord } from '../../clients/kafka/types.ts'
import type { ViewConfig } from '../../contracts/gateway.ts'
import type { Row } from '../../contracts/row.ts'
import { type Decoded, decoderOf } from '../../events/decode.ts'
import { isObject } from '../../lib/json.ts'
import { type Entry, jsonOf, type Projected } from './entry.ts'

/** What a view makes of a record. */
export type Read =
  | {
      readonly type: 'Put'
      readonly key: string
      readonly ts: number
      readonly row: Row
      readonly unavailable: readonly string[]
    }
  | { readonly type: 'Gone'; readonly key: string; readonly ts: number; readonly before: Row | undefined }
  | { readonly type: 'Nothing' }
  | { readonly type: 'Skipped'; readonly message: string }

/** Columns that selectors and the policy read; `all` when the policy may read any. */
export type KeptColumns = ReadonlySet<string> | 'all'

/** Reads records of a view's input; never throws. */
export function readerOf(view: ViewConfig): (record: KafkaRecord) => Read {
  const decode = decoderOf(view.input)
  return (record) => meaning(decode(record))
}

function meaning(decoded: Decoded): Read {
  switch (decoded.type) {
    case 'Change': {
      const { op, key, ts, row, before } = decoded.event
      if (row && op !== 'd') return { type: 'Put', key, ts, row, unavailable: decoded.unavailable }
      return { type: 'Gone', key, ts, before }
    }
    case 'Tombstone':
      return { type: 'Gone', key: decoded.key, ts: decoded.ts, before: undefined }
    case 'Ignored':
      return { type: 'Nothing' }
    case 'Keyless':
      return { type: 'Skipped', message: 'a change of a table without a key' }
    case 'Unreadable':
      return { type: 'Skipped', message: decoded.message }
  }
}

/** Cuts a row to what clients get and to what the gateway itself reads. */
export function projectorOf(
  fields: readonly string[] | undefined,
  kept: KeptColumns,
): (row: Row) => Projected {
  return (row) => ({
    row: kept === 'all' ? row : pick(row, kept),
    json: JSON.stringify(fields ? pick(row, fields) : row),
  })
}

/** Fills columns that the source did not send (unchanged TOAST values) from what the key had before. */
export function fillUnavailable(row: Row, unavailable: readonly string[], before: Entry | undefined): Row {
  if (unavailable.length === 0 || !before?.row) return row
  const sent: unknown = JSON.parse(jsonOf(before))
  const known: Row = { ...(isObject(sent) ? (sent as Row) : {}), ...before.row }
  return { ...pick(known, unavailable), ...row }
}

function pick(row: Row, names: Iterable<string>): Row {
  const picked: Record<string, Row[string]> = {}
  for (const name of names) {
    const value = row[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}
