import { expect, test } from 'vitest'
import { createProgress } from './run.ts'

test('progress lines tell the seconds since the start', () => {
  const times = [1_000, 1_000, 63_250]
  const lines: string[] = []
  const progress = createProgress(
    (line) => void lines.push(line),
    () => times.shift() ?? 0,
  )
  progress('begun')
  progress('done')
  expect(lines).toEqual(['[   0.0 s] begun\n', '[  62.3 s] done\n'])
})
