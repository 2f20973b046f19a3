import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { silentLogger } from '../../lib/log.ts'
import { type Cache, createCache } from '../cache.ts'
import type { KubeObject } from '../kube.ts'
import { type FakeKube, fakeKube, kubeError, page } from '../testing.ts'
import { reflect } from './index.ts'

const object = (name: string, resourceVersion: string, more: object = {}): KubeObject => ({
  metadata: { name, namespace: 'ns', resourceVersion, ...more },
})

const END = { 'k8s.io/initial-events-end': 'true' }
const bookmark = (resourceVersion: string, annotations: object = {}) => ({
  type: 'BOOKMARK',
  object: { metadata: { name: '', resourceVersion, annotations } },
})

describe('the reflector', () => {
  let stop: AbortController
  let cache: Cache<KubeObject>
  const synced = { times: 0, recoveries: 0 }
  let ended: Promise<void>
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    stop = new AbortController()
    cache = createCache()
    Object.assign(synced, { times: 0, recoveries: 0 })
  })
  afterEach(async () => {
    stop.abort()
    await settle()
    await ended
    vi.useRealTimers()
  })
  const turns = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  /** Streams and promises go on, then time passes, and they go on again. */
  const settle = async (ms = 0) => {
    await turns()
    await vi.advanceTimersByTimeAsync(ms)
    await turns()
  }
  const start = async (fake: FakeKube): Promise<FakeKube> => {
    ended = reflect(
      {
        kube: fake.kube,
        type: { group: 'g', version: 'v1', plural: 'things' },
        cache,
        log: silentLogger(),
        onSynced: () => void synced.times++,
        onRecovered: () => void synced.recoveries++,
        random: () => 1,
      },
      stop.signal,
    )
    await settle()
    return fake
  }
  const names = () => [...cache.list()].map(({ metadata }) => metadata.name).sort()
  const versions = ({ watches }: FakeKube) => watches.map(({ query }) => query['resourceVersion'])

  it('takes initial events as one picture, complete with the bookmark that ends them, and then follows', async () => {
    const fake = await start(fakeKube([]))
    const [watch] = fake.watches
    expect(watch?.query).toMatchObject({ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' })
    watch?.send({ type: 'ADDED', object: object('a', '1') })
    watch?.send({ type: 'ADDED', object: object('b', '2') })
    watch?.send(bookmark('3'))
    watch?.send({ type: 'DELETED', object: object('b', '4') })
    await settle()
    expect([names(), synced.times]).toEqual([[], 0])
    watch?.send(bookmark('5', END))
    watch?.send({ type: 'ADDED', object: object('c', '6') })
    await settle()
    expect([names(), synced.times]).toEqual([['a', 'c'], 1])
    expect([fake.queries, fake.watches.length]).toEqual([[], 1])
  })

  it('reads everything anew after a 410, keeps what is the same, and drops what is gone', async () => {
    const fake = await start(fakeKube([]))
    fake.watches[0]?.send({ type: 'ADDED', object: object('a', '1') })
    fake.watches[0]?.send({ type: 'ADDED', object: object('b', '2') })
    fake.watches[0]?.send(bookmark('5', END))
    await settle()
    const kept = cache.get('ns/b')
    fake.watches[0]?.send({ type: 'ERROR', object: { code: 410, message: 'too old', reason: 'Expired' } })
    await settle(200)
    expect(versions(fake)).toEqual([undefined, undefined])
    fake.watches[1]?.send({ type: 'ADDED', object: object('b', '2') })
    fake.watches[1]?.send(bookmark('9', END))
    await settle()
    expect(names()).toEqual(['b'])
    expect(cache.get('ns/b')).toBe(kept)
  })

  it('lists where initial events end without the bookmark, as on a server that does not know them', async () => {
    const fake = await start(fakeKube([]))
    fake.watches[0]?.send({ type: 'ADDED', object: object('a', '1') })
    fake.watches[0]?.end()
    await settle()
    expect([fake.queries.length, synced.times]).toEqual([1, 0])
  })

  it('lists page by page where initial events are refused, then watches from the list’s version', async () => {
    const fake = await start(fakeKube([page('4', [object('a', '1')], 'more'), page('5', [object('b', '2')])]))
    expect(names()).toEqual(['a', 'b'])
    expect(fake.queries.map((query) => query['continue'])).toEqual([undefined, 'more'])
    expect(versions(fake)).toEqual(['5'])
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
    fake.watches[0]?.send(bookmark('99'))
    await settle(2_000)
    fake.watches[0]?.end()
    await settle()
    expect(versions(fake)).toEqual(['5', '99'])
    expect(fake.queries).toHaveLength(1)
    expect(names()).toEqual([])
  })

  it('goes on from whole lines only when the connection breaks in the middle of one', async () => {
    const fake = await start(fakeKube([page('5', [])]))
    fake.watches[0]?.send({ type: 'ADDED', object: object('a', '6') })
    fake.watches[0]?.break('{"type":"ADDED","obj')
    await settle(200)
    expect(versions(fake)).toEqual(['5', '6'])
    expect(names()).toEqual(['a'])
  })

  it('says when the server is back, not when a healthy watch has simply ended', async () => {
    const fake = await start(fakeKube([page('5', [])]))
    await settle(3_000)
    fake.watches[0]?.end()
    await settle()
    expect([fake.watches.length, synced.recoveries]).toEqual([2, 0])
    fake.watches[1]?.break('')
    await settle(200)
    expect([fake.watches.length, synced.recoveries]).toEqual([3, 1])
  })

  it('waits longer and longer for a server that ends every watch at once', async () => {
    const fake = await start(fakeKube([page('5', [])]))
    for (const [waitMs, opened] of [
      [200, 2],
      [400, 3],
      [800, 4],
    ] as const) {
      fake.watches.at(-1)?.end()
      await settle(waitMs - 50)
      expect(fake.watches).toHaveLength(opened - 1)
      await settle(50)
      expect(fake.watches).toHaveLength(opened)
    }
  })

  it('lists again when the server has forgotten the version, and drops what is gone', async () => {
    const fake = await start(
      fakeKube([page('5', [object('a', '1'), object('b', '2')]), page('9', [object('b', '2')])]),
    )
    fake.watches[0]?.send({ type: 'ERROR', object: { code: 410, message: 'too old', reason: 'Expired' } })
    await settle(200)
    expect(names()).toEqual(['b'])
    expect(versions(fake)).toEqual(['5', '9'])
    expect(synced.times).toBe(1)
  })

  it('takes a watch that says nothing for 50 s for dead, and opens another', async () => {
    const fake = await start(fakeKube([page('5', [])]))
    await settle(45_000)
    fake.watches[0]?.send(bookmark('6'))
    await settle(45_000)
    expect(fake.watches).toHaveLength(1)
    await settle(10_000)
    await settle(1_000)
    expect(fake.watches[0]?.closed).toBe(true)
    expect(versions(fake)).toEqual(['5', '6'])
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
    await settle(9_900)
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
