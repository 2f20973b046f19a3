import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WorkloadStatus } from '../contracts/workload.ts'
import { podsQuestion } from './pod.ts'
import { createSharedPolls } from './polls.ts'

const DEAD = 400

describe('pods', () => {
  const stop = new AbortController()
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    stop.abort()
    vi.useRealTimers()
  })

  it('that do not answer, however many, make no other look as if it did not', async () => {
    const asked = new Map<string, number>()
    const woken = new Set<string>()
    const polls = createSharedPolls({ wake: (user) => void woken.add(user), now: Date.now }, stop.signal)
    const question = podsQuestion(async (url) => {
      asked.set(url, (asked.get(url) ?? 0) + 1)
      if (url !== 'alive') await new Promise((_, reject) => setTimeout(reject, 3_000, new Error('no answer')))
      return { role: 'gateway', version: 'v', hash: 'h', units: [] } as WorkloadStatus
    })
    const read = (url: string) => {
      const interest = {
        names: [url],
        fingerprint: (found: ReadonlyMap<string, unknown>) => String(found.size),
      }
      return polls.readEach(question, interest, url, stop.signal)
    }
    expect((await read('alive')).size).toBe(1)
    const dead = Array.from({ length: DEAD }, (_, index) => read(`dead ${index}`))
    await vi.advanceTimersByTimeAsync(3_000)
    expect((await Promise.all(dead)).every(({ size }) => size === 0)).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([...woken]).toEqual([])
    expect(asked.get('alive')).toBeGreaterThan(2)
    expect(asked.get(`dead ${DEAD - 1}`)).toBeGreaterThan(2)
  })
})
