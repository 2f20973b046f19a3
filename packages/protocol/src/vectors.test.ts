import { describe, expect, it } from 'vitest'

import vectors from '../vectors.json' with { type: 'json' }
import { bytesBeyond, CLOSE_CODES, parseClientFrame, parseServerFrame, retryOfClose } from './index.ts'

interface Vector {
  readonly frame?: unknown
  readonly text?: string
  readonly pad?: number
  readonly verdict: string
}

const textOf = ({ frame, text, pad = 0 }: Vector): string => (text ?? JSON.stringify(frame)) + ' '.repeat(pad)

const verdictOf = (
  parsed: ReturnType<typeof parseClientFrame> | ReturnType<typeof parseServerFrame>,
): string => (parsed.type === 'Bad' ? parsed.reason : parsed.type)

describe.each([
  { side: 'client', cases: vectors.client as readonly Vector[], parse: parseClientFrame },
  { side: 'server', cases: vectors.server as readonly Vector[], parse: parseServerFrame },
])('frames of a $side', ({ cases, parse }) => {
  it.each(cases.map((vector) => [textOf(vector).trimEnd().slice(0, 100), vector] as const))(
    '%s',
    (_, vector) => {
      const parsed = parse(textOf(vector))
      expect(verdictOf(parsed)).toBe(vector.verdict)
      // What is read means the same when it is written and read again.
      if (parsed.type === 'Frame') expect(parse(JSON.stringify(parsed.frame))).toEqual(parsed)
      if (parsed.type === 'Bad') expect(parsed.message).not.toBe('')
    },
  )
})

describe('close codes', () => {
  it.each(vectors.close)('$code: $retry', ({ code, retry }) => expect(retryOfClose(code)).toBe(retry))

  it('have one class each by their hundreds', () => {
    for (const code of Object.values(CLOSE_CODES)) expect(code).toBeGreaterThanOrEqual(4001)
  })
})

describe('sizes', () => {
  it('are bytes, not characters', () => {
    expect(bytesBeyond('žžž', 5)).toBe(true)
    expect(bytesBeyond('žžž', 6)).toBe(false)
    expect(bytesBeyond('abc', 3)).toBe(false)
  })
})
