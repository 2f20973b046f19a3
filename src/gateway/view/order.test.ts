import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { type Entry, entryOf } from './entry.ts'
import { createChangeOrder } from './order.ts'

const entry = (offset: number, key = `k${offset}`): Entry =>
  entryOf({ key, partition: 0, offset, ts: 0 }, undefined)
const offsets = (entries: Iterable<Entry>): readonly number[] => [...entries].map(({ offset }) => offset)

describe('the order of changes', () => {
  it.each([
    ['everything from the beginning', 0, [2, 5, 9]],
    ['at an offset that is there, that one too', 5, [5, 9]],
    ['between two offsets, the later ones', 6, [9]],
    ['nothing beyond the end', 10, []],
  ])('gives %s', (_name, since, expected) => {
    const order = createChangeOrder()
    for (const offset of [2, 5, 9]) order.append(entry(offset))
    expect(offsets(order.since(since))).toEqual(expected)
  })

  it('takes out the very entry that is named where several share an offset', () => {
    const order = createChangeOrder()
    const twins = [entry(4, 'a'), entry(4, 'b'), entry(4, 'c')]
    for (const each of twins) order.append(each)
    order.remove(entry(4, 'b'))
    expect([...order.since(4)]).toEqual(twins)
    order.remove(twins[1] ?? entry(0))
    expect([...order.since(4)].map(({ key }) => key)).toEqual(['a', 'c'])
  })

  it('is the same as a plain list, also when thousands of holes are closed', () => {
    const removals = fc.array(fc.nat({ max: 2_999 }), { minLength: 2_000, maxLength: 3_500 })
    fc.assert(
      fc.property(removals, fc.nat({ max: 3_000 }), (gone, since) => {
        const order = createChangeOrder()
        const entries = Array.from({ length: 3_000 }, (_, offset) => entry(offset))
        for (const each of entries) order.append(each)
        for (const at of gone) order.remove(entries[at] ?? entry(0))
        order.append(entry(3_000))
        const left = new Set(gone)
        const expected = [...entries.keys(), 3_000].filter((at) => at >= since && !left.has(at))
        expect(offsets(order.since(since))).toEqual(expected)
      }),
      { numRuns: 10 },
    )
  })
})
