import { describe, expect, it } from 'vitest'

import { batchOf } from '../testing/batch.ts'
import { trackProgress } from './progress.ts'

describe('the progress of a partition', () => {
  it.each([
    ['an empty log', batchOf(0, [], { position: 0 }), true],
    ['a log read to its end', batchOf(0, [[0, 'a', {}]]), true],
    ['a log that ends in holes and markers', batchOf(0, [[0, 'a', {}]], { position: 9 }), true],
    ['a log that has more, though its last record was seen', batchOf(0, [[8, 'a', {}]], { end: 10 }), false],
  ])('is ready by the position of the fetch: %s', (_name, batch, ready) => {
    const tracker = trackProgress(0)
    expect(tracker.read(batch, 1)).toBe(ready)
    expect(tracker.at.ready).toBe(ready)
  })

  it('becomes ready once, at the end that the log had at the start', () => {
    const tracker = trackProgress(0)
    const read = (position: number, end: number) => tracker.read(batchOf(0, [], { position, end }), 1)
    expect([read(2, 5), read(4, 50), read(5, 80), read(6, 90)]).toEqual([false, false, true, false])
    expect(tracker.at).toMatchObject({ position: 6, end: 90, ready: true })
  })

  it('knows when nothing was left and when the last record came', () => {
    const tracker = trackProgress(0)
    tracker.read(batchOf(0, [[3, 'a', {}]]), 70)
    tracker.read(batchOf(0, [], { position: 4, end: 9 }), 80)
    expect(tracker.at).toMatchObject({ lastRecordAt: 1_003, caughtUpAt: 70 })
  })

  it('moves its end and its start forward only, and keeps its floor at the start of the log', () => {
    const tracker = trackProgress(4)
    expect(tracker.at.floor).toBe(Number.POSITIVE_INFINITY)
    tracker.setEnd(9)
    tracker.setEnd(7)
    tracker.setLogStart(6)
    tracker.setLogStart(5)
    tracker.setFloor(2)
    expect(tracker.at).toMatchObject({ end: 9, logStart: 6, floor: 6 })
  })
})
