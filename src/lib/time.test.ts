import { describe, expect, it, vi } from 'vitest'

import { backoffMs, durationMs, sleep, within, withTimeout } from './time.ts'

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

describe('within', () => {
  const never = (limited: AbortSignal) =>
    new Promise<string>((_resolve, reject) => {
      limited.addEventListener('abort', () => reject(limited.reason as Error), { once: true })
    })

  it('gives what was run, and leaves no timer and no listener behind', async () => {
    vi.useFakeTimers()
    const { signal } = new AbortController()
    const listeners = vi.spyOn(signal, 'removeEventListener')
    expect(await within(1_000, signal, async () => 'done')).toBe('done')
    expect([vi.getTimerCount(), listeners.mock.calls.length]).toEqual([0, 1])
    vi.useRealTimers()
  })

  it('aborts when the time is up, or with the signal, also with one that has aborted before', async () => {
    const stop = new AbortController()
    await expect(within(5, stop.signal, never)).rejects.toThrow('not within 5 ms')
    const running = within(60_000, stop.signal, never)
    stop.abort(new Error('over'))
    await expect(running).rejects.toThrow('over')
    await expect(within(60_000, stop.signal, async (limited) => limited.throwIfAborted())).rejects.toThrow(
      'over',
    )
  })
})
