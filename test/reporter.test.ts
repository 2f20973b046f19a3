import { expect, it } from 'vitest'
import { closingLine, failedLine } from './reporter.ts'

it.each([
  ['only passed', { passed: 3, failed: 0, skipped: 0 }, '3 passed, 0 failed'],
  ['some failed', { passed: 3, failed: 2, skipped: 0 }, '3 passed, 2 failed'],
  ['skipped ones are named', { passed: 0, failed: 1, skipped: 4 }, '0 passed, 1 failed, 4 skipped'],
])('the closing line: %s', (_name, tally, line) => {
  expect(closingLine(tally)).toBe(line)
})

it('a failure is told in one line', () => {
  expect(failedLine('a.test.ts > adds', 'expected 1 to be 2\n  at a.test.ts:3')).toBe(
    'failed: a.test.ts > adds: expected 1 to be 2',
  )
})
