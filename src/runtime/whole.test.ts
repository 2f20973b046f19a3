import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../lib/log.ts'
import { createCache } from './cache.ts'
import { createEventRecorder } from './events.ts'
import type { KubeClient, KubeObject, ResourceType } from './kube.ts'
import { createFailures, type Outcome, runLoop } from './loop.ts'
import { createMetrics } from './metrics.ts'
import { createQueue } from './queue.ts'
import { reflect } from './reflector/index.ts'
import { createStore } from './store.ts'
import { fakeKube } from './testing.ts'

interface Thing extends KubeObject {
  readonly spec: { readonly wanted: number }
  readonly status?: { readonly seen?: number }
}

const THINGS: ResourceType = { group: 'example.dev', version: 'v1', plural: 'things' }

/** A whole controller: its status says what its spec wants. */
async function runThings(kube: KubeClient, signal: AbortSignal): Promise<void> {
  const cache = createCache<Thing>()
  const metrics = createMetrics()
  const queue = createQueue(metrics.queueOf('Thing', () => queue.depth))
  cache.subscribe(({ key }) => queue.add(key))
  const events = createEventRecorder(kube, 'example', () => new Date())
  const store = createStore<Thing>({ kube, type: THINGS, kind: 'Thing', cache, events, metrics })
  const reconcile = async (key: string, limited: AbortSignal): Promise<Outcome> => {
    const thing = store.get(key)
    if (thing && thing.status?.seen !== thing.spec.wanted)
      await store.writeStatus(thing, { seen: thing.spec.wanted }, limited)
    return { type: 'Done' }
  }
  const common = { log: silentLogger(), random: Math.random }
  await Promise.all([
    reflect({ ...common, kube, type: THINGS, cache, onSynced: () => undefined }, signal),
    runLoop(
      { ...common, name: 'Thing', queue, workers: 4, failures: createFailures(), reconcile, metrics },
      signal,
    ),
  ])
}

describe('a controller made of these parts', () => {
  const stop = new AbortController()
  afterEach(() => stop.abort())

  it('writes a status where it differs, once, and does not take its own write for a change', async () => {
    const fake = fakeKube([])
    const applied: unknown[] = []
    let version = 10
    const apply: KubeClient['apply'] = async (_type, object) => {
      applied.push(object.status)
      const known = thing(String(++version))
      fake.watches[0]?.send({ type: 'MODIFIED', object: { ...known, status: object.status } })
      return { ...known, status: object.status }
    }
    const running = runThings({ ...fake.kube, apply }, stop.signal)
    await vi.waitFor(() => expect(fake.watches).toHaveLength(1))
    fake.watches[0]?.send({ type: 'ADDED', object: thing('1') })
    const end = { annotations: { 'k8s.io/initial-events-end': 'true' }, resourceVersion: '2', name: '' }
    fake.watches[0]?.send({ type: 'BOOKMARK', object: { metadata: end } })
    await vi.waitFor(() => expect(applied).toEqual([{ seen: 7 }]))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(applied).toHaveLength(1)
    stop.abort()
    await running
  })
})

const thing = (resourceVersion: string) => ({
  metadata: { name: 'a', namespace: 'ns', uid: 'u', resourceVersion },
  spec: { wanted: 7 },
})
