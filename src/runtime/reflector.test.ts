import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { silentLogger } from '../lib/log.ts'
import { type Cache, createCache } from './cache.ts'
import type { KubeObject } from './kube.ts'
import { reflect } from './reflector.ts'
import { type FakeKube, fakeKube, kubeError, page } from './testing.ts'

const object = (name: string, resourceVersion: string, more: object = {}): KubeObject => ({
  metadata: { name, namespace: 'ns', resourceVersion, ...more },
})

describe('the reflector', () => {
  let stop: AbortController
  let cache: Cache<KubeObject>
  const synced = { times: 0 }
  let ended: Promise<void>
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    stop = new AbortController()
    cache = createCache()
    synced.times = 0
  })
  afterEach(async () => {
    stop.abort()
    await settle()
    await ended
    vi.useRealTimers()
  })
  /** Lets time pass, and then streams and promises go on. */
  const settle = async (ms = 0) => {
    await vi.advanceTimersByTimeAsync(ms)
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const start = async (fake: FakeKube): Promise<FakeKube> => {
    ended = reflect(
      {
        kube: fake.kube,
        type: { group: 'g', version: 'v1', plural: 'things' },
        cache,
        log: silentLogger(),
        onSynced: () => void synced.times++,
        random: () => 1,
      },
      stop.signal,
    )
    await settle()
    return fake
  }
  const names = () => [...cache.list()].map(({ metadata }) => metadata.name).sort()

  it('lists page by page, then watches from the list’s version', async () => {
    const fake = await start(fakeKube([page('4', [object('a', '1')], 'more'), page('5', [object('b', '2')])]))
    expect(names()).toEqual(['a', 'b'])
    expect(fake.queries.map((query) => query['continue'])).toEqual([undefined, 'more'])
    expect(fake.watches.map(({ from }) => from)).toEqual(['5'])
    expect(synced.times).toBe(1)
  })

  it('follows what is added, changed and deleted', async () => {
    const { watches } = await start(fakeKube([page('5', [object('a', '1'), object('b', '2')])]))
    watches[0]?.send({ type: 'ADDED', object: object('c', '6') })
    watches[0]?.send({ type: 'MODIFIED', object: object('a', '7') })
    watches[0]?.send({ type: 'DELETED', object: object('b', '8') })
    await settle()
    expect(names()).toEqual(['a', 'c'])
    expect(cache.get('ns/a')?.metadata.resourceVersion).toBe('7')
  })

  it('goes on where a watch ended, from the last bookmark, without another list', async () => {
    const fake = await start(fakeKube([page('5', [])]))
    fake.watches[0]?.send({ type: 'BOOKMARK', object: { metadata: { name: '', resourceVersion: '99' } } })
    fake.watches[0]?.end()
    await settle()
    expect(fake.watches.map(({ from }) => from)).toEqual(['5', '99'])
    expect(fake.queries).toHaveLength(1)
    expect(names()).toEqual([])
  })

  it('lists again when the server has forgotten the version, and drops what is gone', async () => {
    const fake = await start(
      fakeKube([page('5', [object('a', '1'), object('b', '2')]), page('9', [object('b', '2')])]),
    )
    fake.watches[0]?.send({
      type: 'ERROR',
      object: { code: 410, message: 'too old', reason: 'Expired', metadata: {} },
    })
    await settle()
    expect(names()).toEqual(['b'])
    expect(fake.watches.map(({ from }) => from)).toEqual(['5', '9'])
    expect(synced.times).toBe(1)
  })

  it('takes a watch that says nothing for 50 s for dead, and opens another', async () => {
    const fake = await start(fakeKube([page('5', [])]))
    await settle(45_000)
    fake.watches[0]?.send({ type: 'BOOKMARK', object: { metadata: { name: '', resourceVersion: '6' } } })
    await settle(45_000)
    expect(fake.watches).toHaveLength(1)
    await settle(10_000)
    await settle(1_000)
    expect(fake.watches[0]?.closed).toBe(true)
    expect(fake.watches.map(({ from }) => from)).toEqual(['5', '6'])
  })

  it('tries a list that fails again, with growing waits, and is synced only then', async () => {
    const fake = await start(fakeKube([kubeError(500), kubeError(500), page('5', [object('a', '1')])]))
    expect([fake.queries.length, synced.times]).toEqual([1, 0])
    await settle(200)
    expect([fake.queries.length, synced.times]).toEqual([2, 0])
    await settle(200)
    expect(fake.queries).toHaveLength(2)
    await settle(200)
    expect([fake.queries.length, synced.times]).toEqual([3, 1])
  })

  it('waits at least as long as the server asks', async () => {
    const fake = await start(fakeKube([kubeError(429, { retryAfterMs: 10_000 }), page('5', [])]))
    await settle(9_000)
    expect(fake.queries).toHaveLength(1)
    await settle(1_000)
    expect(fake.queries).toHaveLength(2)
  })

  it('leaves out what nobody reads and what doubles an object', async () => {
    await start(
      fakeKube([
        page('5', [
          object('a', '1', {
            managedFields: [{}],
            annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: 'x' },
          }),
        ]),
      ]),
    )
    expect(cache.get('ns/a')?.metadata).toEqual({
      name: 'a',
      namespace: 'ns',
      resourceVersion: '1',
      annotations: { mine: 'x' },
    })
  })
})
