import { beforeEach, describe, expect, it } from 'vitest'

import { createTrail, type Trail } from './trail.ts'

describe('a trail', () => {
  const clock = { now: 1_000_000 }
  let trail: Trail
  const noteEvery5s = (...values: readonly bigint[]) => {
    for (const value of values) {
      trail.note(value)
      clock.now += 5_000
    }
  }
  beforeEach(() => {
    clock.now = 1_000_000
    trail = createTrail(() => clock.now)
  })

  it('knows when a value was reached: the latest time at which the end was not beyond it', () => {
    noteEvery5s(10n, 20n, 30n)
    expect(trail.reachedAt(25n)).toBe(1_005_000)
    expect(trail.reachedAt(30n)).toBe(1_010_000)
    expect(trail.reachedAt(99n)).toBe(1_010_000)
  })

  it('an end that stands still was reached just now', () => {
    noteEvery5s(10n, 10n, 10n)
    expect(trail.reachedAt(10n)).toBe(1_010_000)
  })

  it('does not know what was before its first look, nor before the last two minutes', () => {
    expect(trail.reachedAt(1n)).toBeUndefined()
    noteEvery5s(10n)
    expect(trail.reachedAt(9n)).toBeUndefined()
    noteEvery5s(...Array.from({ length: 30 }, () => 20n))
    expect(trail.reachedAt(10n)).toBeUndefined()
  })

  it('looks that come close together count once', () => {
    trail.note(10n)
    clock.now += 10
    trail.note(20n)
    expect(trail.reachedAt(15n)).toBe(1_000_000)
    expect(trail.reachedAt(20n)).toBe(1_000_000)
  })
})
