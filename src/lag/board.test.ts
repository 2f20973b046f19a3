import { beforeEach, describe, expect, it } from 'vitest'

import { type Board, createBoard } from './board.ts'

describe('the board', () => {
  const clock = { now: 0 }
  let board: Board
  beforeEach(() => {
    clock.now = 1_000_000
    board = createBoard(() => clock.now)
  })
  /** Samples five seconds apart. */
  const record = (...values: readonly number[]) => {
    for (const value of values) {
      clock.now += 5_000
      board.record('a', 'seconds', value)
    }
  }
  const standing = () => board.standing('a', 'seconds', 30)

  it.each<readonly [string, readonly number[], string]>([
    ['nothing is known without a sample', [], 'NotSampled'],
    ['one sample above is no alarm', [100], 'Within'],
    ['nor are two', [100, 100], 'Within'],
    ['three in a row are', [100, 100, 100], 'Over'],
    ['three with one below between them are not', [100, 100, 1, 100], 'Within'],
    ['the threshold itself is within', [30, 30, 30], 'Within'],
  ])('%s', (_name, values, expected) => {
    record(...values)
    expect(standing()).toBe(expected)
  })

  it('what is shown stands until there is a first sample, and no longer', () => {
    const standingAfterStart = () => board.standing('a', 'seconds', 30, 'Over')
    expect(standingAfterStart()).toBe('Over')
    record(1)
    expect(standingAfterStart()).toBe('Within')
    clock.now += 61_000
    expect(standingAfterStart()).toBe('NotSampled')
  })

  it('an alarm is cleared by two samples, not by one', () => {
    record(100, 100, 100)
    expect(standing()).toBe('Over')
    record(1)
    expect(standing()).toBe('Over')
    record(1)
    expect(standing()).toBe('Within')
  })

  it('samples closer together than four seconds count as one, the last', () => {
    for (let n = 0; n < 10; n++) {
      clock.now += 100
      board.record('a', 'seconds', 100)
    }
    expect(standing()).toBe('Within')
    board.record('a', 'seconds', 7)
    expect(board.latest('a', 'seconds')).toBe(7)
  })

  it('samples that come faster than four seconds apart still fill the window in time', () => {
    for (let n = 0; n < 30; n++) {
      clock.now += 1_000
      board.record('a', 'seconds', 100)
    }
    expect(standing()).toBe('Over')
  })

  it('after a minute of silence nothing is known, and what is shown stays', () => {
    record(5, 5)
    clock.now += 60_000
    expect(standing()).toBe('NotSampled')
    expect(board.latest('a', 'seconds')).toBeUndefined()
    expect(board.published('a', 'seconds', 2, 1)).toBe(2)
  })

  it('shows the worst of two minutes', () => {
    record(90, 1, 1)
    expect(board.published('a', 'seconds', undefined, 1)).toBe(100)
    record(...Array.from({ length: 25 }, () => 1))
    expect(board.published('a', 'seconds', 100, 1)).toBe(1)
  })

  it('of what is sampled seldom, the worst of twelve samples, so that it does not come and go', () => {
    for (const value of [1, 0, 0, 0, 0, 0]) {
      clock.now += 28_000
      board.record('a', 'records', value)
    }
    expect(board.published('a', 'records', 1, 1)).toBe(1)
  })

  it('lowers nothing before it knows enough', () => {
    expect(board.published('a', 'seconds', 5, 1)).toBe(5)
    record(...Array.from({ length: 11 }, () => 0))
    expect(board.published('a', 'seconds', 5, 1)).toBe(5)
    clock.now += 30_000
    expect(board.published('a', 'seconds', 5, 1)).toBe(5)
    record(0)
    expect(board.published('a', 'seconds', 5, 1)).toBe(0)
  })

  it('moves what is shown at most every 30 s', () => {
    record(1)
    expect(board.published('a', 'seconds', undefined, 1)).toBe(1)
    record(90)
    expect(board.published('a', 'seconds', 1, 1)).toBe(1)
    clock.now += 30_000
    expect(board.published('a', 'seconds', 1, 1)).toBe(100)
  })

  it('forgets an object, and only that', () => {
    record(1)
    board.record('b', 'seconds', 2)
    board.forget('a')
    expect(board.latest('a', 'seconds')).toBeUndefined()
    expect(board.latest('b', 'seconds')).toBe(2)
  })

  describe('stillness', () => {
    const look = (value: bigint, afterMs = 5_000) => {
      clock.now += afterMs
      return board.stillMs('a', 'heartbeat', value)
    }

    it('is 0 on the first look and whenever the value has moved, and grows until then', () => {
      expect([look(1n), look(1n), look(1n), look(2n), look(2n)]).toEqual([0, 5_000, 10_000, 0, 5_000])
    })

    it('begins anew after a time without a look, in which it may have moved and come to rest', () => {
      look(1n)
      expect(look(1n, 61_000)).toBe(0)
    })

    it('is forgotten with the object', () => {
      look(1n)
      board.forget('a')
      expect(look(1n)).toBe(0)
    })
  })
})
