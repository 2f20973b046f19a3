import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { settle, stepOf } from './steps.ts'

const MIB = 1_048_576

describe('stepOf', () => {
  it.each([
    [0, 0],
    [0.4, 0],
    [0.5, 1],
    [1, 1],
    [1.1, 2],
    [3, 5],
    [7, 10],
    [11, 20],
    [99, 100],
    [4_001, 5_000],
  ])('%d s is shown as %d', (value, shown) => {
    expect(stepOf(value, 1)).toBe(shown)
  })

  it('bytes begin at a mebibyte', () => {
    expect(stepOf(400_000, MIB)).toBe(0)
    expect(stepOf(MIB, MIB)).toBe(MIB)
    expect(stepOf(3 * MIB, MIB)).toBe(5 * MIB)
  })

  it('is never below the value, once that is above half a step, and never more than two and a half times it', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), (value) => {
        const step = stepOf(value, 1)
        expect(step).toBeGreaterThanOrEqual(value)
        expect(step).toBeLessThanOrEqual(2.5 * value)
      }),
    )
  })
})

describe('settle', () => {
  it.each([
    ['the first value is shown as it is', undefined, 7, 10],
    ['one step away moves nothing', 10, 15, 10],
    ['nor one step down', 10, 4, 10],
    ['two steps up move it', 10, 45, 50],
    ['two steps down move it', 10, 1.5, 2],
    ['back to nothing always moves it', 1, 0, 0],
    ['from nothing, one step does not', 0, 1, 0],
  ])('%s', (_name, shown, value, next) => {
    expect(settle(shown, value, 1)).toBe(next)
  })

  it('what is shown is a fixed point: the same value again moves nothing', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (before, value) => {
        const shown = settle(stepOf(before, 1), value, 1)
        expect(settle(shown, value, 1)).toBe(shown)
      }),
    )
  })
})
