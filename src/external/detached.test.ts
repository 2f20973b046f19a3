import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Waiting } from '../lib/verdict.ts'
import { createDetached } from './detached.ts'

describe('detached writes', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  const world = () => {
    const woken: string[] = []
    const detached = createDetached((key) => void woken.push(key), new AbortController().signal)
    const begun = { count: 0 }
    /** A write that takes so long and then ends, or fails. */
    const write = (ms: number, error?: Error) => async () => {
      begun.count++
      await new Promise((resolve) => setTimeout(resolve, ms))
      if (error) throw error
    }
    return { detached, woken, begun, write }
  }

  it('a write that is done in time is waited for', async () => {
    const { detached, woken, write } = world()
    const done = detached.run('k', 'configuring', write(1_000))
    await vi.advanceTimersByTimeAsync(1_000)
    await expect(done).resolves.toBeUndefined()
    expect(woken).toEqual([])
  })

  it('one that fails in time throws what it failed with', async () => {
    const { detached, write } = world()
    const done = detached.run('k', 'configuring', write(1_000, new Error('boom')))
    done.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(1_000)
    await expect(done).rejects.toThrow('boom')
  })

  it('one that takes long goes on by itself; who asks meanwhile waits, and none is begun beside it', async () => {
    const { detached, woken, begun, write } = world()
    for (const _ of [1, 2]) {
      const done = detached.run('k', 'configuring', write(10_000))
      done.catch(() => undefined)
      await vi.advanceTimersByTimeAsync(4_000)
      await expect(done).rejects.toThrow(
        new Waiting('Busy', 'configuring takes longer than usual and goes on', 30_000),
      )
    }
    expect(begun.count).toBe(1)
    expect(woken).toEqual([])
    await vi.advanceTimersByTimeAsync(3_000)
    expect(new Set(woken)).toEqual(new Set(['k']))
  })

  it('the failure of one that went on by itself reaches the next who asks, once', async () => {
    const { detached, begun, write } = world()
    const first = detached.run('k', 'configuring', write(10_000, new Error('boom')))
    first.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(11_000)
    await expect(first).rejects.toThrow(Waiting)
    await expect(detached.run('k', 'configuring', write(0))).rejects.toThrow('boom')
    const again = detached.run('k', 'configuring', write(0))
    await vi.advanceTimersByTimeAsync(1)
    await expect(again).resolves.toBeUndefined()
    expect(begun.count).toBe(2)
  })

  it('another write of the key waits its turn, and is not taken for the one that runs', async () => {
    const { detached, begun, write } = world()
    const first = detached.run('k', 'configuring', write(1_000))
    const second = detached.run('k', 'removing', write(0))
    second.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(1_000)
    await first
    await expect(second).rejects.toThrow(new Waiting('Busy', 'configuring had to end before removing', 500))
    expect(begun.count).toBe(1)
  })

  it('one that hangs does not hold up another key', async () => {
    const { detached, write } = world()
    const hangs = detached.run('a', 'configuring', write(100_000))
    hangs.catch(() => undefined)
    const quick = detached.run('b', 'configuring', write(10))
    await vi.advanceTimersByTimeAsync(10)
    await expect(quick).resolves.toBeUndefined()
    await vi.advanceTimersByTimeAsync(5_000)
    await expect(hangs).rejects.toThrow(Waiting)
  })
})
