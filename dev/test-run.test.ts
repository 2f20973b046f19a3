import { expect, test } from 'vitest'
import { countOf, readCount } from './test-run.ts'

test.each([
  ['12 passed, 3 failed', { passed: 12, failed: 3 }],
  ['1 passed, 0 failed, 2 skipped', { passed: 1, failed: 0 }],
  ['     Tests  12 passed', undefined],
])('the line "%s" is read', (line, expected) => {
  expect(readCount(line)).toEqual(expected)
})

test.each([
  [
    { count: { passed: 2, failed: 0 }, endedWell: true },
    { passed: 2, failed: 0 },
  ],
  [
    { count: { passed: 2, failed: 0 }, endedWell: false },
    { passed: 2, failed: 1 },
  ],
  [
    { count: { passed: 2, failed: 4 }, endedWell: false },
    { passed: 2, failed: 4 },
  ],
  [
    { count: undefined, endedWell: true },
    { passed: 0, failed: 0 },
  ],
])('a step like %o counts', (step, expected) => {
  expect(countOf(step)).toEqual(expected)
})
