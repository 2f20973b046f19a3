import type { RowChange } from '@penstock/protocol'
import { expect, test } from 'vitest'

import { createCollection } from './collection.ts'

const row = (key: string, value: number, partition = 0): RowChange => [
  key,
  { value },
  partition,
  value,
  1_000 + value,
]
const gone = (key: string): RowChange => [key, null, 0, 9, 1_009]

const loaded = (...changes: readonly RowChange[]) => {
  const rows = createCollection()
  rows.reset('all')
  rows.apply(changes)
  rows.complete()
  return rows
}

test('a row keeps its identity until its bytes change, and the list until a member does', () => {
  const rows = loaded(row('a', 1), row('b', 2))
  const [list, entry] = [rows.list(), rows.get('a')]
  expect(rows.apply([['a', { value: 1 }, 0, 7, 1_007]])).toBe(false)
  expect([rows.list(), rows.get('a')]).toEqual([list, entry])
  expect(rows.list()).toBe(list)
  expect(rows.apply([row('a', 3)])).toBe(true)
  expect(rows.list()).not.toBe(list)
  expect(rows.get('a')).not.toBe(entry)
})

test('a delete takes the row away; one of a row that is not there changes nothing', () => {
  const rows = loaded(row('a', 1))
  expect([rows.apply([gone('a')]), rows.apply([gone('a')]), rows.list()]).toEqual([true, false, []])
})

test('old rows show until the snapshot after a reset has ended, then what it did not hold is gone', () => {
  const rows = loaded(row('a', 1), row('b', 2))
  rows.reset('all')
  rows.apply([row('b', 2)])
  expect(rows.list().map(({ key }) => key)).toEqual(['a', 'b'])
  expect(rows.complete()).toBe(true)
  expect(rows.list().map(({ key }) => key)).toEqual(['b'])
})

test('a reset of one partition leaves the rows of the others', () => {
  const rows = loaded(row('a', 1, 0), row('b', 2, 1))
  rows.reset([1])
  rows.complete()
  expect(rows.list().map(({ key }) => key)).toEqual(['a'])
})
