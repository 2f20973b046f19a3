/** What a column's value is once it was read: as JSON, with 64-bit integers and decimals as strings. */
export type ColumnValue =
  | null
  | boolean
  | number
  | string
  | readonly ColumnValue[]
  | { readonly [key: string]: ColumnValue }

/** Header of a flow's output: positions of the inputs that made this record, see `Position`. JSON. */
export const POSITION_HEADER = 'penstock-position'

/** Header of a flow's output: the time at which the source committed the change, milliseconds since 1970. */
export const COMMIT_TIME_HEADER = 'penstock-commit-time'

/** A row: column name to value, as it goes over the wire. */
export type Row = { readonly [column: string]: ColumnValue }

/** A record's place in one input; compared within one (input, partition) only. */
export interface Position {
  readonly input: string
  readonly partition: number
  readonly offset: bigint
  /** Place among what one record gave (0 where a record gives one thing). */
  readonly index: number
}

/**
 * A change as flows and views see it, whatever wrote it. `key` is the key string: one key field is its text,
 * several are percent-encoded and joined by commas in key order; it is the same in Kafka keys, REST paths and frames.
 */
export interface ChangeEvent {
  readonly op: 'c' | 'u' | 'd' | 'r' | 't'
  readonly key: string
  /** The row after the change; undefined for a delete. */
  readonly row?: Row
  /** The old row, as far as the source knows it: with the default replica identity it holds the key only. */
  readonly before?: Row
  /** Commit time at the source, milliseconds since 1970. */
  readonly ts: number
}
