import { describe, expect, it } from 'vitest'
import { createCache } from './cache.ts'
import { createIndex } from './index-of.ts'
import type { KubeObject } from './kube.ts'

const object = (name: string, version: string, to: readonly string[]): KubeObject => ({
  metadata: { name, namespace: 'ns', resourceVersion: version },
  spec: { to },
})
const terms = ({ spec }: KubeObject) => (spec as { to: readonly string[] }).to

describe('an index', () => {
  it('finds objects by their terms as they come, change and go', () => {
    const cache = createCache<KubeObject>()
    cache.set(object('a', '1', ['x']))
    const index = createIndex(cache, terms)
    cache.set(object('b', '2', ['x', 'y']))
    const found = (term: string) => index.of(term).map(({ metadata }) => metadata.name)
    expect(found('x')).toEqual(['a', 'b'])
    cache.set(object('a', '3', ['y']))
    expect(found('x')).toEqual(['b'])
    cache.delete('ns/b')
    expect(found('x')).toEqual([])
    expect(found('y')).toEqual(['a'])
  })
})
