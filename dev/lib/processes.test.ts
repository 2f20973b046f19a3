import { expect, test } from 'vitest'
import { identify, isRunning, parseStat } from './processes.ts'

const fields = 'S 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 81234 2600000'

test.each([
  ['a plain name', `7 (sh) ${fields}`, { pid: 7, startTicks: 81_234 }],
  ['a name with parentheses', `7 (a) (b) ${fields}`, { pid: 7, startTicks: 81_234 }],
  ['a zombie', `7 (sh) ${fields.replace('S', 'Z')}`, undefined],
  ['nothing', '', undefined],
])('the identity of a process is read from %s', (_what, line, expected) => {
  expect(parseStat(7, line)).toEqual(expected)
})

test('another process with the same number is not taken for this one', async () => {
  const self = await identify(process.pid)
  expect(self && (await isRunning(self))).toBe(true)
  expect(await isRunning({ pid: process.pid, startTicks: 1 })).toBe(false)
})
