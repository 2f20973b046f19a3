import { describe, expect, it } from 'vitest'

import { type Answer, SILENCE } from './notifications.ts'
import type { TableRecord } from './record.ts'
import type { Relation } from './relation.ts'
import { type CopiesSeen, nextSteps, unrecorded } from './steps.ts'

const NOW = 1_000_000
const RELATION: Relation = { oid: '1', file: '10', columns: { 1: 'id' }, filled: [] }
const SENT = { id: 's', at: NOW, from: '5', chunks: 0 }
const record = (more: Partial<TableRecord>): TableRecord => ({
  ...{ table: 'public.a', state: 'Copying', by: 'Signal', copy: 1, why: 'it was added' },
  ...{ life: 'u', begunAt: NOW, relation: RELATION, ends: [], ...more },
})
const answer = (more: Partial<Answer>): Answer => ({
  ...{ heardAt: NOW, chunks: 0, scanned: new Map(), over: false, ...more },
})
const seen = (records: readonly TableRecord[], more: Partial<CopiesSeen> = {}): CopiesSeen => ({
  tables: ['public.a'],
  records: new Map(records.map((one) => [one.table, one])),
  relations: new Map([['public.a', RELATION]]),
  notifications: SILENCE,
  streaming: true,
  now: NOW,
  ...more,
})
const answered = (more: Partial<Answer>, startedAt = -1n): Partial<CopiesSeen> => ({
  notifications: { ...SILENCE, answers: new Map([['s', answer(more)]]), startedAt },
})
const scanned = (status: string) => new Map([['public.a', { status, rows: 1 }]])

describe('the next steps of copying', () => {
  it.each<readonly [string, CopiesSeen, readonly string[]]>([
    ['a table without a record was there before records', seen([]), ['Adopt']],
    ['what is copied and has not changed needs nothing', seen([record({ state: 'Copied' })]), []],
    [
      'what has changed is copied again',
      seen([record({ state: 'Copied', relation: { ...RELATION, file: '9' } })]),
      ['Begin'],
    ],
    ['what is to be copied is asked for', seen([record({})]), ['Signal']],
    [
      'but only from a task that knows the table',
      seen([record({ startsAfter: '7' })], { notifications: { ...SILENCE, startedAt: 6n } }),
      [],
    ],
    [
      'which tells when it starts',
      seen([record({ startsAfter: '7' })], { notifications: { ...SILENCE, startedAt: 7n } }),
      ['Signal'],
    ],
    [
      'or has started, after so long',
      seen([record({ startsAfter: '7' })], { now: NOW + 20_001 }),
      ['Signal'],
    ],
    ['a signal is given time', seen([record({ signal: SENT })], { now: NOW + 8_000 }), []],
    [
      'one that nobody heard is sent again',
      seen([record({ signal: SENT })], { now: NOW + 8_001 }),
      ['Signal'],
    ],
    [
      'one that is being answered is waited for',
      seen([record({ signal: SENT })], { ...answered({ chunks: 3 }), now: NOW + 60_000 }),
      [],
    ],
    [
      'a scan that succeeded is settled',
      seen([record({ signal: SENT })], answered({ scanned: scanned('SUCCEEDED') })),
      ['Settle'],
    ],
    [
      'so is one that found no row',
      seen([record({ signal: SENT })], answered({ scanned: scanned('EMPTY') })),
      ['Settle'],
    ],
    [
      'one that failed is tried again, although all is said to be completed',
      seen([record({ signal: SENT })], answered({ scanned: scanned('SQL_EXCEPTION'), over: true })),
      ['Retry'],
    ],
    [
      'completed without a word of the table is no success',
      seen([record({ signal: SENT })], answered({ over: true })),
      ['Retry'],
    ],
    ['after a failure it rests', seen([record({ notBefore: NOW + 1 })]), []],
    ['the first snapshot copies what it found', seen([record({ by: 'Initial' })]), ['Settle']],
    ['nothing while it is not streamed', seen([record({})], { streaming: false }), []],
  ])('%s', (_name, given, expected) => {
    expect(nextSteps(given).map(({ type }) => type)).toEqual(expected)
  })

  it('what may tell of rows that are gone is swept, the copy too when it was begun more than once', () => {
    const sweepOf = (more: Partial<TableRecord>, begun: number) =>
      nextSteps(seen([record({ by: 'Initial', ...more })], { notifications: { ...SILENCE, begun } }))
    expect(sweepOf({}, 1)).toMatchObject([{ type: 'Settle', sweep: 'Nothing' }])
    expect(sweepOf({ ends: ['5'] }, 1)).toMatchObject([{ type: 'Settle', sweep: 'Older' }])
    expect(sweepOf({}, 2)).toMatchObject([{ type: 'Settle', sweep: 'All' }])
  })

  it('a signal that is sent again for the same copies has the same id, and another for others', () => {
    const idOf = (given: CopiesSeen) => nextSteps(given).map((step) => step.type === 'Signal' && step.id)
    expect(idOf(seen([record({})]))).toEqual(idOf(seen([record({ begunAt: 5 })])))
    expect(idOf(seen([record({})]))).not.toEqual(idOf(seen([record({ copy: 2 })])))
  })

  it('only one signal is on its way: a second table waits for the first', () => {
    const tables = ['public.a', 'public.b']
    const two = [record({ signal: SENT }), record({ table: 'public.b' })]
    expect(nextSteps(seen(two, { tables }))).toEqual([])
    expect(
      nextSteps(seen(two, { tables, ...answered({ scanned: scanned('SUCCEEDED'), over: true }) })),
    ).toMatchObject([{ type: 'Settle' }, { type: 'Signal', records: [{ table: 'public.b' }] }])
  })
})

describe('what is written down before the connector captures a table', () => {
  const known = (...records: readonly TableRecord[]) => new Map(records.map((one) => [one.table, one]))
  it.each<readonly [string, readonly string[] | undefined, readonly TableRecord[], readonly string[]]>([
    ['a table that a new connector will copy', undefined, [], ['public.a']],
    ['it stands there already', undefined, [record({ by: 'Initial' })], []],
    ['it is of a former Source', undefined, [record({ by: 'Initial', life: 'before' })], ['public.a']],
    ['a table that is added', [], [], ['public.a']],
    [
      'a table that was copied, taken out, and is added again',
      [],
      [record({ state: 'Copied' })],
      ['public.a'],
    ],
    ['its copy is under way', [], [record({})], []],
    ['a table that is captured', ['public.a'], [], []],
  ])('%s', (_name, captured, records, expected) => {
    expect(unrecorded(['public.a'], captured, known(...records), { life: 'u', added: 'Signal' })).toEqual(
      expected,
    )
  })
})
