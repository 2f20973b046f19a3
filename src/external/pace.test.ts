import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Pace } from './pace.ts'
import { createSharedPolls, type SharedPolls } from './polls.ts'

const signal = new AbortController().signal
/** Two a second, those that are late first. */
const LATE_FIRST: Pace<string> = { mostPerSecond: 2, isPressing: (answer) => answer === 'late' }

describe('names that are not all asked about at once', () => {
  let stop: AbortController
  let polls: SharedPolls
  let calls: { readonly second: number; readonly names: readonly string[] }[]
  let begun: number
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 })
    stop = new AbortController()
    polls = createSharedPolls({ wake: () => undefined, now: Date.now }, stop.signal)
    calls = []
    begun = Date.now()
  })
  afterEach(() => {
    stop.abort()
    vi.useRealTimers()
  })

  const read = (pace: Pace<string>, names: readonly string[], everyMs = 1_000, user = 'u') => {
    const ask = async (asked: readonly string[]) => {
      calls.push({ second: Math.round((Date.now() - begun) / 1_000), names: asked })
      return new Map(asked.map((name) => [name, name.startsWith('l') ? 'late' : 'idle']))
    }
    return polls.readEach({ key: 'k', everyMs, pace, ask }, { names, fingerprint: String }, user, signal)
  }
  /** What is asked about in the four seconds after a first read. */
  const fourSeconds = async (pace: Pace<string>, names: readonly string[]) => {
    await read(pace, names)
    await vi.advanceTimersByTimeAsync(4_000)
    return calls.slice(1).map((call) => call.names)
  }
  const timesOf = (asked: readonly (readonly string[])[], names: readonly string[]) =>
    names.map((name) => asked.filter((some) => some.includes(name)).length)

  it('those come first that have waited longest', async () => {
    const names = ['a', 'b', 'c', 'd']
    expect(timesOf(await fourSeconds({ mostPerSecond: 2 }, names), names)).toEqual([2, 2, 2, 2])
  })

  it('what is bounded by the second is asked by the second, each as often as it should be', async () => {
    const texts = () => calls.map(({ second, names }) => `${second} ${names.join()}`)
    const pace = { mostPerSecond: 2 }
    await read(pace, ['a', 'b', 'c'], 5_000)
    await vi.advanceTimersByTimeAsync(10_500)
    expect(texts()).toEqual(['0 a,b,c', '5 a,b', '6 c', '10 a,b'])
    // One of two who want to know has gone: the other waits for an answer still.
    await read(pace, ['a'], 5_000, 'v')
    polls.release('v')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(texts().at(-1)).toBe('11 a,c')
  })

  it('no answer gets older than it may, however many there are', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `n${index}`)
    const asked = await fourSeconds({ mostPerSecond: 1, oldestMs: 4_000 }, names)
    expect(asked.map(({ length }) => length)).toEqual([3, 3, 3, 3])
    expect(new Set(asked.flat())).toEqual(new Set(names))
  })

  it('what presses comes first, for half of the calls; the rest still has its turn', async () => {
    const names = ['a', 'b', 'c', 'd', 'l']
    expect(timesOf(await fourSeconds(LATE_FIRST, names), names)).toEqual([1, 1, 1, 1, 4])
  })

  it('what presses takes nothing from who must not get older', async () => {
    const names = [...Array.from({ length: 11 }, (_, index) => `n${index}`), 'l']
    const asked = await fourSeconds({ ...LATE_FIRST, oldestMs: 4_000 }, names)
    expect(new Set(asked.flat())).toEqual(new Set(names))
    expect(timesOf(asked, ['l'])).toEqual([4])
  })
})
