import { expect, test } from 'vitest'

import { bytesOf } from './size.ts'

test.each([
  ['10Gi', 10 * 2 ** 30],
  ['500M', 500e6],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['2Ki', 2_048],
  ['1e3', 1_000],
  [1_024, 1_024],
])('%s is %d bytes', (size, bytes) => expect(bytesOf(size)).toBe(bytes))

test.each(['', 'lots', '1GB', '1ki'])('"%s" is refused with a sentence', (size) =>
  expect(() => bytesOf(size)).toThrow(/is no size/),
)
