import { beforeEach, describe, expect, it } from 'vitest'

import type { Failure } from './failures.ts'
import { createRestartBudget, type RestartBudget } from './restarts.ts'

describe('the budget of restarts', () => {
  const clock = { now: 0 }
  let budget: RestartBudget
  beforeEach(() => {
    clock.now = 1_000_000
    budget = createRestartBudget(() => clock.now)
  })
  /** Looks every second for so long at something that failed; seconds at which a restart was due. */
  const dueIn = (seconds: number, heals: Failure['heals'] = 'ByItself'): readonly number[] =>
    Array.from({ length: seconds }, (_, second) => second).filter(() => {
      const due = budget.due('a', heals)
      clock.now += 1_000
      return due
    })

  it('waits 10 s before the first, then twice as long each time', () => {
    expect(dueIn(160)).toEqual([10, 30, 70, 150])
    expect(budget.count('a')).toBe(4)
  })

  it('waits ten minutes each time where only a person can help', () => {
    expect(dueIn(2_000, 'ByHand')).toEqual([600, 1_200, 1_800])
  })

  it('waits no longer once somebody asks for it, and after that as before', () => {
    expect(dueIn(300, 'ByHand')).toEqual([])
    budget.hasten('a')
    expect(dueIn(700, 'ByHand')).toEqual([0, 600])
  })

  it('never waits more than ten minutes', () => {
    const times = dueIn(4 * 3_600)
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(Math.max(...waits)).toBe(600)
  })

  it('begins anew after ten minutes of health, and not sooner', () => {
    dueIn(31)
    budget.healthy('a')
    clock.now += 599_000
    budget.healthy('a')
    expect(budget.count('a')).toBe(2)
    clock.now += 1_000
    budget.healthy('a')
    expect(budget.count('a')).toBe(0)
  })

  it('a failure in between takes those minutes away', () => {
    dueIn(31)
    budget.healthy('a')
    clock.now += 300_000
    budget.due('a', 'ByItself')
    budget.healthy('a')
    clock.now += 300_000
    budget.healthy('a')
    expect(budget.count('a')).toBeGreaterThan(0)
  })

  it('objects do not share it, and a forgotten one begins anew', () => {
    dueIn(31)
    expect(budget.count('b')).toBe(0)
    budget.forget('a')
    expect(budget.count('a')).toBe(0)
  })
})
