import type { Position, Row } from '../contracts/row.ts'
import { isObject, parseJson } from '../lib/json.ts'
import { later, notAfter, placeOf } from './position.ts'
import {
  type Arrival,
  type Effect,
  NOTHING,
  type Output,
  type Semantics,
  type StateRecord,
} from './semantics.ts'
import type { Program, StepResult } from './steps.ts'

/** What one input row contributes to an output key. */
interface Contribution {
  readonly key: string
  readonly row: Row
  readonly ts: number
  readonly position: Position
}

/** The contributions to one output key; there is at least one. */
interface Group {
  readonly members: Set<Contribution>
  /** The latest member: the output key's row. */
  readonly winner: Contribution
}

/** What the present rows of a Table make, by input row and by output key. */
export interface Contributions {
  readonly bySource: Map<string, Contribution>
  readonly byKey: Map<string, Group>
}

/** Nothing contributed yet. */
export const noContributions = (): Contributions => ({ bySource: new Map(), byKey: new Map() })

/**
 * A function of the present rows, where rows keep their keys: a row that passes is written under its key, one that does
 * not pass, fails or is deleted is withdrawn. Nothing is kept, so a withdrawal is sent even where nothing was.
 */
export function plainTable(programs: ReadonlyMap<string, Program>): Semantics {
  const deletes = onceEach()
  return {
    apply(arrival) {
      const change = readChange(arrival, programs)
      if (!change || deletes(arrival, change)) return NOTHING
      if (change.type === 'Refused') return { ...NOTHING, problem: change.problem }
      const { result, key, ts } = change
      const row = result?.type === 'Row' ? result.row : undefined
      const outputs: Output[] = [{ key, row, ts, positions: [arrival.position] }]
      return { outputs, state: [], ...(result?.type === 'Failed' ? { problem: result } : {}) }
    },
  }
}

/**
 * A function of the present rows, where a step gives them other keys: what each input row contributed is kept, so that
 * a move or a delete withdraws it. An output key has the latest of its contributions, and goes when the last one goes.
 */
export function keyedTable(programs: ReadonlyMap<string, Program>, kept: Contributions): Semantics {
  const deletes = onceEach()
  return {
    apply(arrival) {
      const { position } = arrival
      const sourceKey = sourceKeyOf(position.input, keyOf(arrival))
      const known = kept.bySource.get(sourceKey)
      const change = readChange(arrival, programs, known?.row)
      if (!change || deletes(arrival, change)) return NOTHING
      if (change.type === 'Refused') return { ...NOTHING, problem: change.problem }
      if (known && placeOf(known.position) === placeOf(position) && notAfter(position, known.position)) {
        return { outputs: [presentOf(kept, known.key, change.ts, position)], state: [] }
      }
      const { result, ts } = change
      const next = result?.type === 'Row' ? { key: result.key, row: result.row, ts, position } : undefined
      const effect = replace(kept, sourceKey, known, next, { ts, position })
      return result?.type === 'Failed' ? { ...effect, problem: result } : effect
    },
  }
}

/** A change with what the steps made of it; `result` undefined is a delete. */
type ReadChange =
  | {
      readonly type: 'Read'
      readonly key: string
      readonly ts: number
      readonly result: StepResult | undefined
    }
  | { readonly type: 'Refused'; readonly problem: NonNullable<Effect['problem']> }

const keyOf = ({ change }: Arrival): string => (change.type === 'Tombstone' ? change.key : change.event.key)

function readChange(
  { change, position }: Arrival,
  programs: ReadonlyMap<string, Program>,
  former?: Row,
): ReadChange | undefined {
  const program = programs.get(position.input)
  if (!program) return undefined
  if (change.type === 'Tombstone') return { type: 'Read', key: change.key, ts: change.ts, result: undefined }
  if (change.type === 'Keyless') {
    return {
      type: 'Refused',
      problem: { error: 'NoKey', message: 'a Table needs an input whose records have keys' },
    }
  }
  const { event, unavailable } = change
  const { key, ts } = event
  if (!event.row) return { type: 'Read', key, ts, result: undefined }
  const start = fillIn({ key, row: event.row, unavailable }, program.keepsColumns ? former : undefined)
  return { type: 'Read', key, ts, result: program.run(start, event) }
}

/** Columns that the source left out because they have not changed are taken from the former row, where it is known. */
function fillIn<T extends { readonly row: Row; readonly unavailable: readonly string[] }>(
  start: T,
  former?: Row,
): T {
  const found = start.unavailable.filter((column) => former && Object.hasOwn(former, column))
  if (!former || found.length === 0) return start
  const row = { ...start.row, ...Object.fromEntries(found.map((column) => [column, former[column] ?? null])) }
  return { ...start, row, unavailable: start.unavailable.filter((column) => !found.includes(column)) }
}

/** Says whether an arrival is the tombstone of the delete just before it: the two are one. */
function onceEach(): (arrival: Arrival, change: ReadChange) => boolean {
  const lastDeleted = new Map<string, string>()
  return ({ position, change: { type } }, change) => {
    const place = placeOf(position)
    const repeated = type === 'Tombstone' && change.type === 'Read' && lastDeleted.get(place) === change.key
    if (type === 'Change' && change.type === 'Read' && !change.result) lastDeleted.set(place, change.key)
    else lastDeleted.delete(place)
    return repeated
  }
}

function replace(
  kept: Contributions,
  sourceKey: string,
  known: Contribution | undefined,
  next: Contribution | undefined,
  at: { readonly ts: number; readonly position: Position },
): Effect {
  if (!known && !next) return NOTHING
  const touched = new Set([known?.key, next?.key].filter((key) => key !== undefined))
  const before = new Map([...touched].map((key) => [key, winnerOf(kept, key)]))
  if (known) remove(kept, sourceKey, known)
  if (next) add(kept, sourceKey, next)
  const changed = [...touched].filter((key) => winnerOf(kept, key) !== before.get(key))
  return {
    outputs: changed.map((key) => presentOf(kept, key, at.ts, at.position)),
    state: [stateRecord(sourceKey, at.position.partition, next)],
  }
}

function add(kept: Contributions, sourceKey: string, contribution: Contribution): void {
  kept.bySource.set(sourceKey, contribution)
  const group = kept.byKey.get(contribution.key)
  const members = group?.members ?? new Set()
  const winner = group && !later(contribution, group.winner) ? group.winner : contribution
  kept.byKey.set(contribution.key, { members: members.add(contribution), winner })
}

function remove(kept: Contributions, sourceKey: string, contribution: Contribution): void {
  kept.bySource.delete(sourceKey)
  const group = kept.byKey.get(contribution.key)
  if (!group) return
  const { members } = group
  members.delete(contribution)
  const [first] = members
  if (!first) kept.byKey.delete(contribution.key)
  else if (group.winner === contribution)
    kept.byKey.set(contribution.key, { members, winner: latestOf(members, first) })
}

function latestOf(members: Iterable<Contribution>, first: Contribution): Contribution {
  let winner = first
  for (const each of members) if (later(each, winner)) winner = each
  return winner
}

const winnerOf = (kept: Contributions, key: string): Contribution | undefined => kept.byKey.get(key)?.winner

function presentOf(kept: Contributions, key: string, ts: number, position: Position): Output {
  const winner = winnerOf(kept, key)
  return winner
    ? { key, row: winner.row, ts: winner.ts, positions: [winner.position] }
    : { key, row: undefined, ts, positions: [position] }
}

/** Names of inputs hold no colon. */
const sourceKeyOf = (input: string, key: string): string => `${input}:${key}`

function stateRecord(sourceKey: string, partition: number, next: Contribution | undefined): StateRecord {
  const value =
    next &&
    JSON.stringify({
      key: next.key,
      row: next.row,
      ts: next.ts,
      at: [next.position.partition, String(next.position.offset), next.position.index],
    })
  return { partition, key: sourceKey, value }
}

/** Puts back a record of the state topic; throws for one that {@link stateRecord} did not write. */
export function restoreContribution(kept: Contributions, sourceKey: string, value: string | undefined): void {
  const known = kept.bySource.get(sourceKey)
  if (known) remove(kept, sourceKey, known)
  if (value === undefined) return
  const parsed = parseJson(value)
  if (!isObject(parsed) || !Array.isArray(parsed['at']))
    throw new Error('the state record is not one of ours')
  const [partition, offset, index] = parsed['at'] as [number, string, number]
  const input = sourceKey.slice(0, sourceKey.indexOf(':'))
  add(kept, sourceKey, {
    key: String(parsed['key']),
    row: parsed['row'] as Row,
    ts: Number(parsed['ts']),
    position: { input, partition, offset: BigInt(offset), index },
  })
}
