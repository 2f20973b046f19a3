import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { silentLogger } from '../lib/log.ts'
import { createFailures, type LoopOptions, type Outcome, runLoop } from './loop.ts'
import { createQueue } from './queue.ts'

describe('the loop', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** A loop at work: what was reconciled when, and what was counted. */
  function loop(reconcile: LoopOptions['reconcile'], workers = 1) {
    const queue = createQueue()
    const stop = new AbortController()
    const seen: string[] = []
    const results: string[] = []
    const began = Date.now()
    const ended = runLoop(
      {
        name: 'Fake',
        queue,
        workers,
        failures: createFailures(),
        reconcile: (key, signal) => {
          seen.push(`${key} ${Date.now() - began}`)
          return reconcile(key, signal)
        },
        log: silentLogger(),
        metrics: {
          began: () => undefined,
          retried: () => undefined,
          reconciled: (_controller, _key, result) => void results.push(result),
        },
        random: () => 1,
      },
      stop.signal,
    )
    const end = async () => {
      stop.abort()
      await ended
    }
    return { queue, seen, results, end }
  }
  const outcome = (value: Outcome) => () => Promise.resolve(value)

  it.each<readonly [string, Outcome, readonly string[], readonly string[]]>([
    ['done is done', { type: 'Done' }, ['a 0'], ['success']],
    [
      'again is again, after its time',
      { type: 'Again', afterMs: 4_000 },
      ['a 0', 'a 4000', 'a 8000'],
      ['requeue_after', 'requeue_after', 'requeue_after'],
    ],
  ])('%s', async (_name, value, seen, results) => {
    const work = loop(outcome(value))
    work.queue.add('a')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(work.seen).toEqual(seen)
    expect(work.results).toEqual(results)
    await work.end()
  })

  it('one that throws is tried again with growing waits, and from the start after a success', async () => {
    const tries = { left: 3 }
    const work = loop(async () => {
      if (tries.left-- > 0) throw new Error('boom')
      return { type: 'Done' }
    })
    work.queue.add('a')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(work.seen).toEqual(['a 0', 'a 5', 'a 15', 'a 35'])
    tries.left = 1
    work.queue.add('a')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(work.seen.slice(4)).toEqual(['a 60000', 'a 60005'])
    await work.end()
  })

  it('never waits more than sixteen minutes', async () => {
    const work = loop(() => Promise.reject(new Error('boom')))
    work.queue.add('a')
    await vi.advanceTimersByTimeAsync(7_200_000)
    const times = work.seen.map((entry) => Number(entry.split(' ')[1]))
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(Math.max(...waits)).toBe(960_000)
    await work.end()
  })

  it('one that does not heed its signal loses its worker, keeps its key, and holds up no other', async () => {
    const stuck = Promise.withResolvers<Outcome>()
    const work = loop((key) => (key === 'a' ? stuck.promise : Promise.resolve({ type: 'Done' })))
    work.queue.add('a')
    await vi.advanceTimersByTimeAsync(1_000)
    work.queue.add('b')
    work.queue.add('a')
    await vi.advanceTimersByTimeAsync(65_000)
    expect(work.seen).toEqual(['a 0', 'b 65000'])
    stuck.resolve({ type: 'Done' })
    await vi.advanceTimersByTimeAsync(0)
    expect(work.seen.slice(2)).toEqual(['a 66000'])
    await work.end()
  })

  it('a resync is spread, and gives way to what is fresh', async () => {
    const work = loop(outcome({ type: 'Again', afterMs: 600_000 }))
    work.queue.add('a')
    await vi.advanceTimersByTimeAsync(659_000)
    expect(work.seen).toEqual(['a 0'])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(work.seen).toEqual(['a 0', 'a 660000'])
    await work.end()
  })

  it('one that hangs is given up after a minute and holds up no other', async () => {
    const work = loop((key, signal) => {
      if (key === 'b') return Promise.resolve({ type: 'Done' })
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('too slow')), { once: true })
      })
    }, 2)
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const limit = new AbortController()
      setTimeout(() => limit.abort(), ms)
      return limit.signal
    })
    work.queue.add('a')
    work.queue.add('b')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(work.seen.slice(0, 2)).toEqual(['a 0', 'b 0'])
    expect(work.results).toEqual(['success', 'error'])
    vi.restoreAllMocks()
    await work.end()
  })

  it('ends when it is told to', async () => {
    const work = loop(outcome({ type: 'Done' }), 3)
    await work.end()
    work.queue.add('a')
    expect(work.seen).toEqual([])
  })
})
