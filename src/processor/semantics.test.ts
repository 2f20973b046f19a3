import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Step } from '../contracts/processor.ts'
import type { ChangeEvent, Position, Row } from '../contracts/row.ts'
import { later } from './position.ts'
import type { Arrival, Effect, Output, Semantics, StateRecord } from './semantics.ts'
import { compileSteps, type Program } from './steps.ts'
import { type LatestState, restoreLatest, streamSemantics } from './stream.ts'
import { keyedTable, noContributions, plainTable, restoreContribution } from './table.ts'

const columns = { id: 'int32', user: 'string', keep: 'bool' } as const

const programsOf = (steps: readonly Step[]): ReadonlyMap<string, Program> => {
  const compiled = compileSteps(steps, columns)
  if (!compiled.ok) throw new Error(compiled.message)
  return new Map([['in', compiled.value]])
}

/** One change of a random history; the key decides the partition, as in Kafka. */
interface Change {
  readonly key: number
  readonly user: string
  readonly keep: boolean
  readonly ts: number
  readonly op: 'u' | 'd'
}

const histories = fc.array(
  fc.record({
    key: fc.integer({ min: 0, max: 5 }),
    user: fc.constantFrom('a', 'b', 'c'),
    keep: fc.boolean(),
    ts: fc.integer({ min: 1, max: 4 }),
    op: fc.constantFrom('u' as const, 'u' as const, 'd' as const),
  }),
  { maxLength: 30 },
)

/** The history as two partitions hold it; a delete is followed by its tombstone, as Debezium does. */
function arrivalsOf(history: readonly Change[]): readonly Arrival[] {
  const ends = [0n, 0n]
  const place = (partition: number): Position => {
    const offset = ends[partition] ?? 0n
    ends[partition] = offset + 1n
    return { input: 'in', partition, offset, index: 0 }
  }
  return history.flatMap(({ key, user, keep, ts, op }): Arrival[] => {
    const partition = key % 2
    const row: Row = { id: key, user, keep }
    const event: ChangeEvent = { op, key: String(key), ts, ...(op === 'd' ? {} : { row }) }
    const change: Arrival = { position: place(partition), change: { type: 'Change', event, unavailable: [] } }
    if (op === 'u') return [change]
    return [change, { position: place(partition), change: { type: 'Tombstone', key: String(key), ts } }]
  })
}

type View = Map<string, Row>

const write = (view: View, outputs: readonly Output[]): void => {
  for (const { key = '', row } of outputs) {
    if (row) view.set(key, row)
    else view.delete(key)
  }
}

/** Rows that pass, by output key, the latest of each: what a Table with a key is by definition. */
function tableByDefinition(arrivals: readonly Arrival[]): Record<string, Row> {
  const present = new Map<string, { row: Row; ts: number; position: Position }>()
  for (const { change, position } of arrivals) {
    if (change.type === 'Tombstone') present.delete(change.key)
    else if (change.event.row)
      present.set(change.event.key, { row: change.event.row, ts: change.event.ts, position })
    else present.delete(change.event.key)
  }
  const groups = new Map<string, { row: Row; ts: number; position: Position }>()
  for (const each of present.values()) {
    const group = String(each.row['user'])
    const known = groups.get(group)
    if (each.row['keep'] === true && (!known || later(each, known))) groups.set(group, each)
  }
  return Object.fromEntries([...groups].map(([key, { row }]) => [key, row]))
}

const STEPS: readonly Step[] = [{ filter: 'row.keep' }, { key: 'row.user' }, { reduce: { latest: {} } }]
const asObject = (view: View): Record<string, Row> => Object.fromEntries(view)

/** Three moments of a crash: committed ≤ state written ≤ outputs written. */
const crashes = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
)
const momentsOf = (crash: readonly number[], length: number): readonly number[] =>
  crash.map((part) => Math.floor(part * length)).sort((a, b) => a - b)

describe('a Table with a key', () => {
  const fresh = (state: readonly StateRecord[] = []): Semantics => {
    const kept = noContributions()
    for (const { key, value } of state) restoreContribution(kept, key, value)
    return keyedTable(programsOf(STEPS), kept)
  }

  it('is its definition over the present rows, also after a crash at any moment', () => {
    fc.assert(
      fc.property(histories, crashes, (history, crash) => {
        const arrivals = arrivalsOf(history)
        const [committed = 0, stated = 0, written = 0] = momentsOf(crash, arrivals.length)
        const view: View = new Map()
        const first = fresh()
        const effects = arrivals.slice(0, written).map((arrival) => first.apply(arrival))
        for (const { outputs } of effects) write(view, outputs)
        const second = fresh(effects.slice(0, stated).flatMap(({ state }) => state))
        for (const arrival of arrivals.slice(committed)) write(view, second.apply(arrival).outputs)
        expect(asObject(view)).toEqual(tableByDefinition(arrivals))
      }),
      { numRuns: 500 },
    )
  })

  it('writes one record where a row changes within its key', () => {
    const semantics = fresh()
    const [one, two] = arrivalsOf([
      { key: 1, user: 'a', keep: true, ts: 1, op: 'u' },
      { key: 1, user: 'a', keep: true, ts: 2, op: 'u' },
    ])
    expect(applied(semantics, one)).toHaveLength(1)
    expect(applied(semantics, two)).toHaveLength(1)
  })
})

describe('a Table without a key', () => {
  it('is the rows that pass, also when any part is read again', () => {
    fc.assert(
      fc.property(histories, crashes, (history, crash) => {
        const arrivals = arrivalsOf(history)
        const [committed = 0, written = 0] = momentsOf(crash, arrivals.length)
        const view: View = new Map()
        const programs = programsOf([{ filter: 'row.keep' }, { drop: ['keep'] }])
        const first = plainTable(programs)
        for (const arrival of arrivals.slice(0, written)) write(view, first.apply(arrival).outputs)
        const second = plainTable(programs)
        for (const arrival of arrivals.slice(committed)) write(view, second.apply(arrival).outputs)
        const last = new Map(history.map((change) => [String(change.key), change]))
        const expected = [...last].filter(([, { op, keep }]) => op === 'u' && keep)
        expect(asObject(view)).toEqual(
          Object.fromEntries(expected.map(([key, { user }]) => [key, { id: Number(key), user }])),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('takes a delete and its tombstone as one', () => {
    const arrivals = arrivalsOf([{ key: 1, user: 'a', keep: true, ts: 1, op: 'd' }])
    const semantics = plainTable(programsOf([]))
    expect(arrivals.map((arrival) => applied(semantics, arrival).length)).toEqual([1, 0])
  })

  it('withdraws a row that needs a value which the source did not send', () => {
    const change = {
      type: 'Change',
      event: { op: 'u', key: '1', ts: 1, row: { id: 1 } },
      unavailable: ['user'],
    } as const
    const position: Position = { input: 'in', partition: 0, offset: 0n, index: 0 }
    const effect = plainTable(programsOf([])).apply({ position, change })
    expect(effect.problem?.error).toBe('UnavailableValue')
    expect(effect.outputs).toEqual([{ key: '1', row: undefined, ts: 1, positions: [position] }])
    const unneeded = plainTable(programsOf([{ drop: ['user'] }])).apply({ position, change })
    expect(unneeded.outputs[0]?.row).toEqual({ id: 1 })
  })
})

describe('a Stream with latest', () => {
  const flow = { events: ['c', 'u', 'r'], steps: STEPS } as const

  it('is the latest event of each key, also after a crash at any moment', () => {
    fc.assert(
      fc.property(histories, crashes, (history, crash) => {
        const arrivals = arrivalsOf(history)
        const [committed = 0, written = 0] = momentsOf(crash, arrivals.length)
        const first = streamSemantics(flow, programsOf(STEPS), new Map())
        const log = arrivals.slice(0, written).flatMap((arrival) => applied(first, arrival))
        const state: LatestState = new Map()
        for (const { key = '', row, ts, positions } of log) restoreLatest(state, key, row, ts, positions)
        const second = streamSemantics(flow, programsOf(STEPS), state)
        const view: View = new Map()
        write(view, log)
        for (const arrival of arrivals.slice(committed)) write(view, applied(second, arrival))
        expect(asObject(view)).toEqual(streamByDefinition(arrivals))
      }),
      { numRuns: 500 },
    )
  })

  it('sends again what it has when an event comes again', () => {
    const [one, two] = arrivalsOf([
      { key: 1, user: 'a', keep: true, ts: 1, op: 'u' },
      { key: 3, user: 'a', keep: true, ts: 2, op: 'u' },
    ])
    const semantics = streamSemantics(flow, programsOf(STEPS), new Map())
    applied(semantics, one)
    const present = applied(semantics, two)
    expect(applied(semantics, one)).toEqual(present)
  })
})

const applied = (semantics: Semantics, arrival: Arrival | undefined): Effect['outputs'] =>
  arrival ? semantics.apply(arrival).outputs : []

function streamByDefinition(arrivals: readonly Arrival[]): Record<string, Row> {
  const groups = new Map<string, { row: Row; ts: number; position: Position }>()
  for (const { change, position } of arrivals) {
    if (change.type === 'Tombstone' || !change.event.row?.['keep']) continue
    const { row, ts } = change.event
    const known = groups.get(String(row['user']))
    if (!known || later({ ts, position }, known)) groups.set(String(row['user']), { row, ts, position })
  }
  return Object.fromEntries([...groups].map(([key, { row }]) => [key, row]))
}
