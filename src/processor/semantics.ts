import type { Position, Row } from '../contracts/row.ts'
import type { Decoded } from '../events/decode.ts'

/** A change of an input, and where it stands. */
export interface Arrival {
  readonly position: Position
  readonly change: Extract<Decoded, { type: 'Change' | 'Keyless' | 'Tombstone' }>
}

/** A record to write: the key has this row now, or none. */
export interface Output {
  /** Undefined only for a change of a table without a key that no step gave one. */
  readonly key: string | undefined
  readonly row: Row | undefined
  /** Commit time at the source, milliseconds. */
  readonly ts: number
  /** The first is that of the record which the row comes from. */
  readonly positions: readonly [Position, ...Position[]]
}

/** A record of the state topic; it is written after the outputs have been acknowledged. */
export interface StateRecord {
  readonly partition: number
  readonly key: string
  /** Undefined forgets the key. */
  readonly value: string | undefined
}

/** Why a record was not taken as it should have been; it is counted and logged, and the flow goes on. */
export interface Problem {
  readonly error: 'Unreadable' | 'StepFailed' | 'UnavailableValue' | 'NoKey' | 'TooLarge'
  readonly message: string
}

/** What one change makes. */
export interface Effect {
  readonly outputs: readonly Output[]
  readonly state: readonly StateRecord[]
  readonly problem?: Problem
}

/** What a flow does with each change: the one place where Table and Stream differ. */
export interface Semantics {
  apply(arrival: Arrival): Effect
}

/** Nothing to write. */
export const NOTHING: Effect = { outputs: [], state: [] }
