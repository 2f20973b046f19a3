import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { createSharedPolls, type Poll, type SharedPolls } from './polls.ts'

const signal = new AbortController().signal

describe('shared polls', () => {
  const stop = { controller: new AbortController() }
  const woken: string[] = []
  const outer = { answer: 'one' as string | Error, asked: 0 }
  let polls: SharedPolls

  const poll = (key = 'k'): Poll<string> => ({
    key,
    everyMs: key === 'seldom' ? 60_000 : 5_000,
    ask: async () => {
      outer.asked++
      // A question takes a moment.
      await new Promise((resolve) => setTimeout(resolve, 10))
      if (outer.answer instanceof Error) throw outer.answer
      return outer.answer
    },
    fingerprint: (answer) => answer,
  })
  /** Reads while the clock of the test goes on. */
  const read = async (user = 'u', after?: number, key?: string): Promise<string> => {
    const reading = polls.read(poll(key), user, signal, after)
    reading.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(50)
    return reading
  }

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 })
    stop.controller = new AbortController()
    woken.length = 0
    Object.assign(outer, { answer: 'one', asked: 0 })
    polls = createSharedPolls(
      { wake: (user) => void woken.push(user), now: Date.now },
      stop.controller.signal,
    )
  })
  afterEach(() => {
    stop.controller.abort()
    vi.useRealTimers()
  })

  it('asks once for all who ask the same, at once or later', async () => {
    const both = Promise.all([polls.read(poll(), 'a', signal), polls.read(poll(), 'b', signal)])
    await vi.advanceTimersByTimeAsync(50)
    expect(await both).toEqual(['one', 'one'])
    expect(await read('c')).toBe('one')
    expect(outer.asked).toBe(1)
  })

  it('asks again where an answer is too old, but not at once where the latest try took long and failed', async () => {
    const slow: Poll<string> = {
      ...poll('seldom'),
      ask: async () => {
        outer.asked++
        await new Promise((resolve) => setTimeout(resolve, 10_000))
        throw new Error('no answer')
      },
    }
    const recent = async () => {
      const reading = polls.recent(slow, 'u', signal, 4_000)
      reading.catch(() => undefined)
      await vi.advanceTimersByTimeAsync(10_000)
      return reading
    }
    await expect(recent()).rejects.toThrow('no answer')
    await expect(polls.recent(slow, 'u', signal, 4_000)).rejects.toThrow('no answer')
    expect(outer.asked).toBe(1)
  })

  it('asks no more for what a look that came to its end has not read', async () => {
    await read('u', undefined, 'left')
    const end = polls.look('u')
    await read('u')
    end()
    outer.answer = 'two'
    outer.asked = 0
    await vi.advanceTimersByTimeAsync(12_000)
    expect(outer.asked).toBe(2)
    expect(woken).toEqual(['u'])
  })

  it('goes on asking where a look did not come to its end', async () => {
    await read('u', undefined, 'left')
    polls.look('u')
    await read('u')
    outer.asked = 0
    await vi.advanceTimersByTimeAsync(12_000)
    expect(outer.asked).toBe(4)
  })

  it('begins no question when all has ended: its timer would keep the process', async () => {
    stop.controller.abort()
    await expect(polls.read(poll(), 'u', signal)).rejects.toThrow()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('different keys are different questions', async () => {
    await read('a', undefined, 'k1')
    await read('a', undefined, 'k2')
    expect(outer.asked).toBe(2)
  })

  it('goes on asking, and wakes every user when the answer changes, none when it does not', async () => {
    await read('a')
    await read('b')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(outer.asked).toBe(2)
    expect(woken).toEqual([])
    outer.answer = 'two'
    await vi.advanceTimersByTimeAsync(5_000)
    expect(woken).toEqual(['a', 'b'])
    expect(await read('a')).toBe('two')
  })

  it('an error is an answer: thrown to readers, waking users when it comes and when it goes', async () => {
    await read('a')
    outer.answer = new Error('down')
    await vi.advanceTimersByTimeAsync(5_000)
    await expect(read('a')).rejects.toThrow('down')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(woken).toEqual(['a'])
    outer.answer = 'one'
    await vi.advanceTimersByTimeAsync(5_000)
    expect(woken).toEqual(['a', 'a'])
  })

  it('an error is asked about again after five seconds, however seldom the question', async () => {
    await read('a', undefined, 'seldom')
    outer.answer = new Error('down')
    await vi.advanceTimersByTimeAsync(60_000)
    outer.answer = 'one'
    await vi.advanceTimersByTimeAsync(5_100)
    expect(await read('a', undefined, 'seldom')).toBe('one')
    expect(woken).toEqual(['a', 'a'])
    const { asked } = outer
    await vi.advanceTimersByTimeAsync(30_000)
    expect(outer.asked).toBe(asked)
  })

  it('an answer asked for before `after` does not count', async () => {
    await read('a')
    outer.answer = 'two'
    expect(await read('a', Date.now() - 1_000)).toBe('one')
    expect(await read('a', Date.now())).toBe('two')
    expect(outer.asked).toBe(2)
  })

  it('a question that was on its way before `after` does not count either', async () => {
    const early = polls.read(poll(), 'a', signal)
    await vi.advanceTimersByTimeAsync(5)
    const late = polls.read(poll(), 'a', signal, Date.now())
    await vi.advanceTimersByTimeAsync(50)
    await Promise.all([early, late])
    expect(outer.asked).toBe(2)
  })

  it('after a release the user is not woken, and the next reader asks anew', async () => {
    await read('a')
    polls.release('a')
    outer.answer = 'two'
    expect(await read('b')).toBe('two')
    expect(woken).not.toContain('a')
  })

  it('a release of somebody else leaves the answer as it is', async () => {
    await read('a')
    polls.release('b')
    await read('a')
    expect(outer.asked).toBe(1)
  })

  it('polls of one key and many names are answered each for itself: one that hangs or fails holds up no other', async () => {
    const asked: string[] = []
    const named = (name: string): Poll<string> => ({
      ...{ key: 'named', name, everyMs: 60_000, fingerprint: String },
      ask: async (_signal, one) => {
        asked.push(one)
        if (one === 'hangs') await new Promise((resolve) => setTimeout(resolve, 14_000))
        if (one === 'fails') throw new Error('no')
        return `of ${one}`
      },
    })
    const reading = (name: string) => polls.read(named(name), `u ${name}`, signal)
    const slow = reading('hangs')
    const failing = reading('fails').catch(String)
    await vi.advanceTimersByTimeAsync(10)
    expect(await reading('a')).toBe('of a')
    expect(await failing).toBe('Error: no')
    await vi.advanceTimersByTimeAsync(14_000)
    expect(await slow).toBe('of hangs')
    // Each is asked again, and the one that failed sooner.
    expect(asked).toEqual(['hangs', 'fails', 'a', 'fails', 'fails'])
    asked.length = 0
    await vi.advanceTimersByTimeAsync(46_000)
    expect(new Set(asked)).toEqual(new Set(['hangs', 'fails', 'a']))
    polls.release('u a')
    asked.length = 0
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).not.toContain('a')
  })

  it('stops asking when nobody has read for two hours', async () => {
    await read('a')
    await vi.advanceTimersByTimeAsync(7_220_000)
    const asked = outer.asked
    await vi.advanceTimersByTimeAsync(600_000)
    expect(outer.asked).toBe(asked)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stops asking when it is told to', async () => {
    await read('a')
    stop.controller.abort()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(outer.asked).toBe(1)
  })

  describe('about several named things', () => {
    const world = new Map<string, string>()
    const calls: (readonly string[])[] = []
    const readEach = async (user: string, names: readonly string[], after?: number) => {
      const question = {
        key: 'things',
        everyMs: 5_000,
        ask: async (asked: readonly string[]) => {
          calls.push([...asked].sort())
          await new Promise((resolve) => setTimeout(resolve, 10))
          return new Map([...world].filter(([name]) => asked.includes(name)))
        },
      }
      const fingerprint = (found: ReadonlyMap<string, string>) => JSON.stringify([...found])
      const reading = polls.readEach(question, { names, fingerprint }, user, signal, after)
      await vi.advanceTimersByTimeAsync(50)
      return Object.fromEntries(await reading)
    }
    beforeEach(() => {
      calls.length = 0
      world.clear()
      for (const name of ['a', 'b', 'c']) world.set(name, `${name}1`)
    })

    it('each gets what it asked for, and what is not there is left out', async () => {
      expect(await readEach('u', ['a', 'x'])).toEqual({ a: 'a1' })
      expect(await readEach('v', ['b'])).toEqual({ b: 'b1' })
      expect(calls).toEqual([['a', 'x'], ['b']])
    })

    it('those who ask at once are asked for together, and all again in one call', async () => {
      await Promise.all([readEach('u', ['a']), readEach('v', ['b']), readEach('w', ['a', 'c'])])
      expect(calls).toEqual([['a', 'b', 'c']])
      await vi.advanceTimersByTimeAsync(5_000)
      expect(calls.slice(1)).toEqual([['a', 'b', 'c']])
    })

    it('a newer answer about some asks about those alone, and wakes whoever else sees them', async () => {
      await readEach('u', ['a', 'b'])
      await readEach('v', ['b'])
      await readEach('w', ['c'])
      world.set('b', 'b2')
      expect(await readEach('v', ['b'], Date.now())).toEqual({ b: 'b2' })
      expect(calls.at(-1)).toEqual(['b'])
      expect(woken).toEqual(['u'])
    })

    it('what nobody asks about any more is not asked for', async () => {
      await readEach('u', ['a'])
      await readEach('v', ['b'])
      polls.release('u')
      await vi.advanceTimersByTimeAsync(5_000)
      expect(calls.at(-1)).toEqual(['b'])
    })

    it('one that failed is asked about again soon, although a call about another went well meanwhile', async () => {
      const failing = new Set(['a'])
      const question = {
        key: 'flaky',
        everyMs: 60_000,
        ask: async (asked: readonly string[]) => {
          calls.push(asked)
          if (asked.some((name) => failing.has(name))) throw new Error('down')
          return new Map(asked.map((name) => [name, name]))
        },
      }
      const ask = (name: string) =>
        polls.readEach(question, { names: [name], fingerprint: () => '' }, name, signal)
      await expect(ask('a')).rejects.toThrow('down')
      await vi.advanceTimersByTimeAsync(2_000)
      await ask('b')
      failing.clear()
      await vi.advanceTimersByTimeAsync(5_000)
      expect(calls).toEqual([['a'], ['b'], ['a']])
      expect([...(await ask('a'))]).toEqual([['a', 'a']])
    })

    it('of things asked about one by one, one that does not answer does not hold up the next round', async () => {
      const asked: string[] = []
      const question = {
        key: 'one by one',
        everyMs: 1_000,
        pace: { mostPerSecond: 10 },
        apart: 2,
        ask: ([name = '']: readonly string[]) => {
          asked.push(name)
          return name === 'dead' && asked.length > 3
            ? new Promise<ReadonlyMap<string, string>>(() => undefined)
            : Promise.resolve(new Map([[name, name]]))
        },
      }
      await polls.readEach(question, { names: ['dead', 'a', 'b'], fingerprint: String }, 'u', signal)
      await vi.advanceTimersByTimeAsync(5_000)
      expect(asked.filter((name) => name === 'a')).toHaveLength(6)
      expect(asked.filter((name) => name === 'dead')).toHaveLength(2)
    })

    it('more than a thousand go in several calls', async () => {
      await readEach(
        'u',
        Array.from({ length: 1_500 }, (_, index) => `n${index}`),
      )
      expect(calls.map(({ length }) => length)).toEqual([1_000, 500])
    })
  })
})
