import type { Position } from '../contracts/row.ts'

/** Positions in the header `penstock-position`: `[[input, partition, offset, index], …]`, offsets as texts. */
type Written = readonly (readonly [string, number, string, number])[]

/** The (input, partition) that a position lies in; positions are compared within one place only. */
export const placeOf = ({ input, partition }: Position): string => `${input}/${partition}`

/** Whether `a` is before or at `b`; both lie in one place. */
export function notAfter(a: Position, b: Position): boolean {
  return a.offset < b.offset || (a.offset === b.offset && a.index <= b.index)
}

/** The header's text. The first position is that of the record which the row comes from. */
export function writePositions(positions: readonly Position[]): string {
  return JSON.stringify(
    positions.map(({ input, partition, offset, index }) => [input, partition, String(offset), index]),
  )
}

/** Reads what {@link writePositions} wrote; throws for anything else. */
export function readPositions(text: string): readonly Position[] {
  return (JSON.parse(text) as Written).map(([input, partition, offset, index]) => ({
    input,
    partition,
    offset: BigInt(offset),
    index,
  }))
}

/** A row of which another may take the place: what is later by commit time stays, at one time by place and position. */
export interface Dated {
  readonly ts: number
  readonly position: Position
}

/** Whether `a` is later than `b`: an order of all changes that no replay and no order of reading alters. */
export function later(a: Dated, b: Dated): boolean {
  if (a.ts !== b.ts) return a.ts > b.ts
  const [placeA, placeB] = [placeOf(a.position), placeOf(b.position)]
  return placeA === placeB ? !notAfter(a.position, b.position) : placeA > placeB
}
