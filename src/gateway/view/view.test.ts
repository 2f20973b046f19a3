import { describe, expect, it } from 'vitest'

import type { KafkaRecord, PartitionBatch } from '../../clients/kafka/types.ts'
import { testView } from '../testing/gateway.ts'
import { jsonOf } from './entry.ts'
import { offlineWindowMs } from './floors.ts'
import { createView, type ViewWriter } from './view.ts'

type Put = readonly [offset: number, key: string, row: object | undefined]

const record = ([offset, key, row]: Put): KafkaRecord => ({
  key: Buffer.from(key),
  value: row && Buffer.from(JSON.stringify(row)),
  offset: BigInt(offset),
  timestamp: 1_000 + offset,
  headers: new Map(),
})

const batch = (
  partition: number,
  puts: readonly Put[],
  position: number,
  end = position,
  start = 0,
): PartitionBatch => ({
  topic: 'orders',
  partition,
  records: puts.map(record),
  position: BigInt(position),
  highWatermark: BigInt(end),
  logStart: BigInt(start),
})

function latest(over: Parameters<typeof testView>[0] = {}) {
  const writer = createView(testView(over), new Set(['status']), { ringEvents: 10, ringBytes: 10_000 })
  const heard: string[] = []
  writer.view.listen({
    changed: ({ entry, before }) =>
      heard.push(`${entry.key} ${before?.['status']} → ${entry.row?.['status']} @${entry.offset}`),
    advanced: () => undefined,
    ready: (partition) => heard.push(`ready ${partition}`),
    replaced: () => heard.push('replaced'),
  })
  writer.begin('e'.repeat(16), [0, 0])
  heard.length = 0
  return { writer, heard, table: () => tableOf(writer) }
}

function tableOf({ view }: ViewWriter) {
  if (view.content?.mode !== 'Latest') throw new Error('no table')
  return view.content.table
}

const since = (writer: ViewWriter, offset: number): readonly string[] =>
  [...tableOf(writer).since(0, offset)].map(({ key, row }) => (row ? key : `-${key}`))

describe('a view', () => {
  it('is ready partition by partition, by position: holes at the end do not hold it up', () => {
    const { writer, heard } = latest()
    writer.apply(batch(0, [[0, 'a', { status: 'x' }]], 1, 5), 0)
    expect(heard).not.toContain('ready 0')
    // A marker and compacted records: nothing to read, but the position reaches the end.
    writer.apply(batch(0, [], 5, 9), 0)
    expect(heard).toContain('ready 0')
    expect(heard).not.toContain('ready 1')
    writer.apply(batch(1, [], 0), 0)
    expect(heard).toContain('ready 1')
  })

  it('knows what changed since an offset, oldest first, each key once', () => {
    const { writer, table } = latest()
    const puts: Put[] = [0, 1, 2, 3].map((n) => [n, `k${n}`, { status: 's' }])
    writer.apply(batch(0, [...puts, [4, 'k1', { status: 't' }], [5, 'k2', undefined]], 6), 0)
    expect(since(writer, 0)).toEqual(['k0', 'k3', 'k1', '-k2'])
    expect(since(writer, 3)).toEqual(['k3', 'k1', '-k2'])
    expect(since(writer, 6)).toEqual([])
    expect(table().countSince(0, 0, 2)).toBe(2)
    expect(table().size()).toBe(3)
  })

  it('tells old and new, and a tombstone after a delete only once', () => {
    const { writer, heard } = latest()
    const puts: Put[] = [
      [0, 'a', { status: 'x' }],
      [1, 'a', { status: 'y' }],
      [2, 'a', undefined],
      [3, 'a', undefined],
    ]
    writer.apply(batch(0, puts, 4), 0)
    expect(heard.slice(0, -1)).toEqual(['a undefined → x @0', 'a x → y @1', 'a y → undefined @2'])
  })

  it('keeps keys by the values of indexed fields', () => {
    const { writer, table } = latest()
    writer.apply(
      batch(
        0,
        [
          [0, 'a', { status: 'x' }],
          [1, 'b', { status: 'x' }],
          [2, 'a', { status: 'y' }],
        ],
        3,
      ),
      0,
    )
    expect([...table().keysWhere(0, 'status', '"x"')]).toEqual(['b'])
    expect([...table().keysWhere(0, 'status', '"y"')]).toEqual(['a'])
    writer.apply(batch(0, [[3, 'b', undefined]], 4), 0)
    expect([...table().keysWhere(0, 'status', '"x"')]).toEqual([])
  })

  it('sends only its fields, and keeps only what is read', () => {
    const { writer, table } = latest({ fields: ['n'] })
    writer.apply(batch(0, [[0, 'a"', { status: 'x', n: 1, secret: 2 }]], 1), 0)
    const entry = table().entry(0, 'a"')
    expect(entry?.wire).toBe('["a\\"",{"n":1},0,0,1000]')
    expect(entry && jsonOf(entry)).toBe('{"n":1}')
    expect(entry?.row).toEqual({ status: 'x' })
  })

  it('forgets deletes below the floor, and nothing while the floor is unknown', () => {
    const { writer, table } = latest()
    writer.apply(
      batch(
        0,
        [
          [0, 'live', { status: 's' }],
          [1, 'a', undefined],
          [2, 'b', undefined],
        ],
        3,
      ),
      0,
    )
    expect(since(writer, 0)).toEqual(['live', '-a', '-b'])
    writer.learn({ floors: new Map([[0, 2]]) })
    expect(since(writer, 0)).toEqual(['live', '-b'])
    writer.apply(batch(0, [[3, 'b', { status: 's' }]], 4), 0)
    writer.learn({ floors: new Map([[0, 4]]) })
    expect(since(writer, 0)).toEqual(['live', 'b'])
    expect(table().size()).toBe(2)
  })

  it('deletes what retention removed, at the place where the log ends now', () => {
    const { writer, heard } = latest()
    writer.learn({ floors: new Map([[0, 0]]) })
    writer.apply(
      batch(
        0,
        [
          [0, 'old', { status: 'x' }],
          [1, 'new', { status: 'x' }],
        ],
        2,
      ),
      0,
    )
    heard.length = 0
    writer.apply(batch(0, [[2, 'newer', { status: 'x' }]], 3, 3, 1), 0)
    expect(heard).toEqual(['newer undefined → x @2', 'old x → undefined @3'])
    expect(since(writer, 3)).toEqual(['-old'])
  })

  it('skips and counts what cannot be read', () => {
    const { writer } = latest()
    const bad = { ...record([0, 'a', {}]), value: Buffer.from('{') }
    writer.apply({ ...batch(0, [], 2), records: [bad, record([1, 'b', { status: 'x' }])] }, 0)
    expect(writer.view.skipped).toBe(1)
    expect(since(writer, 0)).toEqual(['b'])
  })
})

describe('the window in which deletes are known', () => {
  it.each([
    [3_600_000, undefined, 3_600_000],
    [86_400_000, undefined, 82_800_000],
    [3_600_000, '5400000', 1_800_000],
    [3_600_000, '60000', 0],
  ])('%d ms away at most, delete.retention.ms %s: %d ms', (away, retention, window) => {
    expect(offlineWindowMs(away, retention)).toBe(window)
  })
})
