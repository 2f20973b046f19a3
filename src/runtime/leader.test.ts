import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../lib/log.ts'
import type { KubeObject } from './kube.ts'
import { type LeaderOptions, lead } from './leader.ts'
import { kubeError } from './testing.ts'

/** One Lease with the API server's rule of versions; `cut` makes every call of a candidate fail. */
function leaseServer() {
  const state: { lease: KubeObject | undefined; version: number } = { lease: undefined, version: 0 }
  const cut = new Set<string>()
  const set = (lease: KubeObject) => {
    const metadata = { ...lease.metadata, resourceVersion: String(++state.version) }
    state.lease = { ...lease, metadata }
    return state.lease
  }
  const candidate = (identity: string, skewMs = 0): LeaderOptions => {
    const reach = () => (cut.has(identity) ? Promise.reject(new Error('cut off')) : Promise.resolve())
    return {
      identity,
      namespace: 'ns',
      name: 'penstock',
      log: silentLogger(),
      now: () => new Date(Date.now() + skewMs),
      monotonic: () => performance.now(),
      random: () => 0.5,
      kube: {
        get: () => reach().then(() => state.lease),
        create: async (_type, lease) => {
          await reach()
          if (state.lease) throw kubeError(409)
          return set(lease)
        },
        merge: async (_type, _namespace, _name, patch) => {
          await reach()
          const { metadata, spec } = patch as KubeObject
          const { lease } = state
          if (!lease) throw kubeError(404)
          if (lease.metadata.resourceVersion !== metadata.resourceVersion) throw kubeError(409)
          return set({ ...lease, spec: { ...(lease.spec as object), ...(spec as object) } })
        },
      },
    }
  }
  return { state, cut, candidate }
}

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

describe('leading', () => {
  afterEach(() => vi.useRealTimers())

  const start = (options: LeaderOptions, at: Map<string, string>) => {
    const stop = new AbortController()
    const work = async (signal: AbortSignal) => {
      at.set(options.identity, 'works')
      await until(signal)
      at.set(options.identity, 'stopped')
    }
    const ended = lead(options, work, stop.signal).then(
      () => 'released',
      (error: Error) => error.message,
    )
    return { stop: () => stop.abort(), ended }
  }

  it('one leads, whatever its clock says, and the next begins soon after it has stopped', async () => {
    vi.useFakeTimers()
    const { candidate, state } = leaseServer()
    const at = new Map<string, string>()
    const a = start(candidate('a', -3_600_000), at)
    await vi.advanceTimersByTimeAsync(100)
    const b = start(candidate('b', 3_600_000), at)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([...at]).toEqual([['a', 'works']])
    expect(JSON.stringify(state.lease?.spec)).toMatch(/"renewTime":"[^"]+\.\d{6}Z"/)
    a.stop()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await a.ended).toBe('released')
    expect(at.get('b')).toBe('works')
    b.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await b.ended).toBe('released')
  })

  it('one that cannot renew has stopped before another begins', async () => {
    vi.useFakeTimers()
    const { candidate, cut } = leaseServer()
    const at = new Map<string, string>()
    const a = start(candidate('a'), at)
    await vi.advanceTimersByTimeAsync(5_000)
    const b = start(candidate('b'), at)
    await vi.advanceTimersByTimeAsync(5_000)
    cut.add('a')
    await vi.advanceTimersByTimeAsync(11_000)
    expect([...at]).toEqual([['a', 'stopped']])
    expect(await a.ended).toContain('could not be renewed')
    await vi.advanceTimersByTimeAsync(9_000)
    expect(at.get('b')).toBe('works')
    b.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    await b.ended
  })

  it('one whose work does not end says so, and does not release the Lease', async () => {
    vi.useFakeTimers()
    const { candidate, state } = leaseServer()
    const stop = new AbortController()
    const ended = lead(candidate('a'), () => new Promise(() => undefined), stop.signal).catch(
      (error: Error) => error.message,
    )
    await vi.advanceTimersByTimeAsync(3_000)
    stop.abort()
    // Its patience is no part of the clock that is faked.
    vi.useRealTimers()
    expect(await ended).toBe('the work did not end within 4 s')
    expect(state.lease?.spec).toMatchObject({ holderIdentity: 'a' })
  })

  it('one whose Lease is deleted stops', async () => {
    vi.useFakeTimers()
    const { candidate, state } = leaseServer()
    const at = new Map<string, string>()
    const a = start(candidate('a'), at)
    await vi.advanceTimersByTimeAsync(1_000)
    state.lease = undefined
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await a.ended).toBe('the Lease was deleted')
    expect(at.get('a')).toBe('stopped')
  })
})
