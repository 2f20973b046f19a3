import { describe, expect, it } from 'vitest'

import { backoffMs, durationMs, sleep, withTimeout } from './time.ts'

describe('durationMs', () => {
  it.each([
    ['milliseconds', '250ms', 250],
    ['seconds', '30s', 30_000],
    ['minutes are not milliseconds', '5m', 300_000],
    ['days', '7d', 604_800_000],
    ['several units add up', '1h30m', 5_400_000],
    ['nothing', '0s', 0],
  ])('reads %s', (_name, text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })

  it.each(['', '30', 's', '1.5h', '-1s', '30 s', '1w', '1h '])(
    'refuses "%s" and says how to write one',
    (text) => {
      expect(() => durationMs(text)).toThrow(/is no duration: write a whole number/)
    },
  )
})

describe('backoffMs', () => {
  it.each([
    ['begins with the base', 0, 0.999999, 100],
    ['doubles', 3, 0.999999, 800],
    ['ends at the cap', 20, 0.999999, 5_000],
    ['stays finite for any attempt', 10_000, 0.999999, 5_000],
    ['may be nothing, so that many do not come together', 3, 0, 0],
  ])('%s', (_name, attempt, random, ms) => {
    expect(Math.round(backoffMs(attempt, 100, 5_000, () => random))).toBe(ms)
  })
})

describe('waiting', () => {
  it('sleep ends at once, without throwing, when its signal aborts', async () => {
    const stop = new AbortController()
    const slept = sleep(3_600_000, stop.signal)
    stop.abort()
    await expect(slept).resolves.toBeUndefined()
  })

  it('a time limit may be any part of a millisecond', async () => {
    const limited = withTimeout(new AbortController().signal, 1.5)
    await new Promise((resolve) => limited.addEventListener('abort', resolve))
    expect(limited.reason).toMatchObject({ name: 'TimeoutError' })
  })

  it('a signal with a time limit aborts when the outer one does', () => {
    const outer = new AbortController()
    const inner = withTimeout(outer.signal, 3_600_000)
    expect(inner.aborted).toBe(false)
    outer.abort(new Error('stopped'))
    expect(inner.reason).toEqual(new Error('stopped'))
  })
})
