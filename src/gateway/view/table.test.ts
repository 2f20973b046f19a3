import { describe, expect, it } from 'vitest'

import { batchOf, type RecordOf } from '../testing/batch.ts'
import { testView } from '../testing/gateway.ts'
import type { Change } from './entry.ts'
import { trackProgress } from './progress.ts'
import { projectorOf, readerOf } from './reading.ts'
import { createTable } from './table.ts'

const OPEN = { status: 'open' }
const DONE = { status: 'done' }

function tableOf(records: readonly RecordOf[] = []) {
  const progress = [trackProgress(0), trackProgress(0)]
  const changes: Change[] = []
  const table = createTable({
    progress,
    index: ['status'],
    read: readerOf(testView()),
    project: projectorOf(undefined, 'all'),
    changed: (change) => changes.push(change),
  })
  const apply = (partition: number, more: readonly RecordOf[], logStart = 0) => {
    const batch = batchOf(partition, more, { logStart })
    const skips = table.apply(batch)
    progress[partition]?.read(batch, 1)
    table.trim(partition)
    return skips
  }
  apply(0, records)
  const keys = (text: string) => [...table.keysWhere(0, 'status', text)]
  const since = (offset: number) =>
    [...table.since(0, offset)].map((entry) => [entry.offset, entry.key, entry.row])
  return { table, progress, changes, apply, keys, since }
}

describe('a table', () => {
  it.each<[string, readonly RecordOf[], number, readonly unknown[]]>([
    [
      'the newest of each key',
      [
        [0, 'a', OPEN],
        [1, 'b', OPEN],
        [2, 'a', DONE],
      ],
      2,
      [
        [1, 'b', OPEN],
        [2, 'a', DONE],
      ],
    ],
    [
      'a delete',
      [
        [0, 'a', OPEN],
        [1, 'a', undefined],
      ],
      0,
      [[1, 'a', undefined]],
    ],
    [
      'a second tombstone as nothing new',
      [
        [0, 'a', OPEN],
        [1, 'a', undefined],
        [2, 'a', undefined],
      ],
      0,
      [[1, 'a', undefined]],
    ],
    [
      'a row after its delete',
      [
        [0, 'a', undefined],
        [3, 'a', OPEN],
      ],
      1,
      [[3, 'a', OPEN]],
    ],
    ['a tombstone whose row compaction took', [[4, 'a', undefined]], 0, [[4, 'a', undefined]]],
  ])('keeps %s', (_name, records, rows, order) => {
    const { table, since } = tableOf(records)
    expect(since(0)).toEqual(order)
    expect(table.size()).toBe(rows)
  })

  it('follows changes in its index, and tells each with the row that it replaced', () => {
    const { keys, changes, apply } = tableOf([
      [0, 'a', OPEN],
      [1, 'b', OPEN],
    ])
    expect(keys('"open"')).toEqual(['a', 'b'])
    apply(0, [
      [2, 'a', DONE],
      [3, 'b', undefined],
    ])
    expect([keys('"open"'), keys('"done"')]).toEqual([[], ['a']])
    expect(changes.slice(2).map(({ before, entry }) => [entry.key, before, entry.row])).toEqual([
      ['a', OPEN, DONE],
      ['b', OPEN, undefined],
    ])
  })

  it('keeps partitions apart', () => {
    const { table, apply } = tableOf([[0, 'a', OPEN]])
    apply(1, [[0, 'a', DONE]])
    expect(table.entry(0, 'a')?.row).toEqual(OPEN)
    expect(table.entry(1, 'a')?.row).toEqual(DONE)
    expect(table.size()).toBe(2)
  })

  it('forgets deletes below the floor, and takes in no old tombstone of a key that it does not know', () => {
    const { table, progress, since, apply } = tableOf([
      [0, 'a', undefined],
      [1, 'b', undefined],
      [2, 'c', OPEN],
    ])
    progress[0]?.setFloor(1)
    table.trim(0)
    expect(since(0).map(([, key]) => key)).toEqual(['b', 'c'])
    progress[0]?.setFloor(9)
    apply(0, [
      [5, 'old', undefined],
      [9, 'new', undefined],
      [10, 'c', undefined],
    ])
    expect(since(0).map(([, key]) => key)).toEqual(['new', 'c'])
  })

  it('removes what is below the start of the log and tells it as a delete at the end of the log', () => {
    const { table, changes, apply, since, keys } = tableOf([
      [0, 'a', OPEN],
      [1, 'b', OPEN],
      [2, 'c', OPEN],
    ])
    apply(0, [[7, 'd', OPEN]], 2)
    expect(since(0)).toEqual([
      [2, 'c', OPEN],
      [7, 'd', OPEN],
      [8, 'a', undefined],
      [8, 'b', undefined],
    ])
    expect(changes.slice(4).map(({ entry, before }) => [entry.key, entry.wire, before])).toEqual([
      ['a', '["a",null,0,8,1000]', OPEN],
      ['b', '["b",null,0,8,1001]', OPEN],
    ])
    expect(keys('"open"')).toEqual(['c', 'd'])
    expect(table.size()).toBe(2)
  })

  it('counts what changed up to a limit', () => {
    const { table } = tableOf([
      [0, 'a', OPEN],
      [1, 'b', OPEN],
      [2, 'c', OPEN],
    ])
    expect([0, 1, 3].map((offset) => table.countSince(0, offset, 2))).toEqual([2, 2, 0])
  })

  it('counts records that it cannot read, and goes on', () => {
    const { table, apply } = tableOf()
    const bad = batchOf(0, [[0, 'a', OPEN]]).records.map((each) => ({ ...each, value: Buffer.from('{') }))
    const skips = table.apply({ ...batchOf(0, [[0, 'a', OPEN]]), records: bad })
    expect(skips).toMatchObject({ count: 1, last: expect.any(String) as string })
    expect(apply(0, [[1, 'b', OPEN]])).toEqual({ count: 0 })
    expect(table.size()).toBe(1)
  })
})
