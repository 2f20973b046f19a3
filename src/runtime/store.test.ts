import { describe, expect, it } from 'vitest'

import { createCache } from './cache.ts'
import type { KubeClient, KubeObject } from './kube.ts'
import { createMetrics } from './metrics.ts'
import { createStore } from './store.ts'
import { fakeKube, kubeError, page } from './testing.ts'

const signal = () => AbortSignal.timeout(5_000)
const object = (resourceVersion: string, more: object = {}): KubeObject => ({
  metadata: { name: 'a', namespace: 'ns', uid: 'u', resourceVersion, ...more },
})

/** A store over a cache that holds an object of version 5. */
function storeOver(calls: Partial<KubeClient>) {
  const cache = createCache<KubeObject>()
  cache.set(object('5'))
  const metrics = createMetrics()
  const store = createStore({
    kube: { ...fakeKube([page('1', [])]).kube, ...calls },
    type: { group: 'g', version: 'v1', plural: 'things' },
    kind: 'Thing',
    cache,
    events: { record: () => Promise.resolve() },
    metrics,
  })
  return { cache, store, metrics }
}

describe('the answer to a write', () => {
  it('is in the cache at once', async () => {
    const { cache, store } = storeOver({ apply: async () => object('6') })
    await store.writeStatus(object('5'), {}, signal())
    expect(cache.get('ns/a')?.metadata.resourceVersion).toBe('6')
  })

  it('does not overwrite a later version that the watch brought first', async () => {
    const { cache, store } = storeOver({
      apply: async () => {
        cache.set(object('10'))
        return object('9')
      },
    })
    await store.writeStatus(object('5'), {}, signal())
    expect(cache.get('ns/a')?.metadata.resourceVersion).toBe('10')
  })

  it('does not bring back an object that went with its last finalizer', async () => {
    const { cache, store } = storeOver({
      merge: async () => {
        cache.delete('ns/a')
        return object('6')
      },
    })
    await store.setFinalizers(object('5'), [], signal())
    expect(cache.get('ns/a')).toBeUndefined()
  })

  it('is not mistaken for an object of the same name that was made since', async () => {
    const { cache, store } = storeOver({
      apply: async () => {
        cache.delete('ns/a')
        cache.set(object('8', { uid: 'other' }))
        return object('9')
      },
    })
    await store.writeStatus(object('5'), {}, signal())
    expect(cache.get('ns/a')?.metadata.uid).toBe('other')
  })
})

it.each([
  ['changed meanwhile', 409],
  ['went meanwhile', 404],
])('finalizers of an object that %s are left to the next look', async (_name, status) => {
  const { store } = storeOver({ merge: () => Promise.reject(kubeError(status)) })
  expect(await store.setFinalizers(object('5'), [], signal())).toBeUndefined()
})

it('writes are counted by what they write', async () => {
  const { store, metrics } = storeOver({ apply: async () => object('6'), merge: async () => object('7') })
  await store.writeStatus(object('5'), {}, signal())
  await store.setFinalizers(object('6'), ['f'], signal())
  const text = await metrics.registry.metrics()
  expect(text).toContain('penstock_api_writes_total{what="status"} 1')
  expect(text).toContain('penstock_api_writes_total{what="finalizer"} 1')
})
