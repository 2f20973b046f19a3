import { beforeEach, describe, expect, it } from 'vitest'

import { type Cache, createCache, keyOf, splitKey } from './cache.ts'
import type { KubeObject } from './kube.ts'

const object = (name: string, resourceVersion: string): KubeObject => ({
  metadata: { name, namespace: 'ns', resourceVersion },
})

describe('the cache', () => {
  let cache: Cache<KubeObject>
  let told: string[]
  beforeEach(() => {
    cache = createCache()
    told = []
    cache.subscribe(({ key, before, after }) => {
      told.push(
        `${key} ${before?.metadata.resourceVersion ?? '∅'} → ${after?.metadata.resourceVersion ?? '∅'}`,
      )
    })
  })

  it('tells of what is new, different and gone', () => {
    cache.set(object('a', '1'))
    cache.set(object('a', '2'))
    cache.delete('ns/a')
    expect(told).toEqual(['ns/a ∅ → 1', 'ns/a 1 → 2', 'ns/a 2 → ∅'])
    expect(cache.size).toBe(0)
  })

  it('tells nothing of the same version again, nor of the end of what it does not hold', () => {
    cache.set(object('a', '1'))
    cache.set(object('a', '1'))
    cache.delete('ns/b')
    expect(told).toEqual(['ns/a ∅ → 1'])
  })

  it('a list replaces everything, and only the differences are told', () => {
    for (const name of ['a', 'b', 'c']) cache.set(object(name, '1'))
    told.length = 0
    cache.replace([object('b', '1'), object('c', '2'), object('d', '1')])
    expect(told).toEqual(['ns/a 1 → ∅', 'ns/c 1 → 2', 'ns/d ∅ → 1'])
    expect([...cache.list()].map(keyOf).sort()).toEqual(['ns/b', 'ns/c', 'ns/d'])
  })

  it('keys are namespace/name', () => {
    expect(splitKey(keyOf(object('a', '1')))).toEqual({ namespace: 'ns', name: 'a' })
  })
})
