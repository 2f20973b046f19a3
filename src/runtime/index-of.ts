import { type Cache, keyOf, type ObjectKey } from './cache.ts'
import type { KubeObject } from './kube.ts'

/** Finds objects of a cache by something that they contain, without looking at the others. */
export interface Index<T extends KubeObject> {
  of(term: string): readonly T[]
}

/** An index that follows a cache from now on; objects that are in it already are taken in. `termsOf` must not throw. */
export function createIndex<T extends KubeObject>(
  cache: Cache<T>,
  termsOf: (object: T) => readonly string[],
): Index<T> {
  const keys = new Map<string, Set<ObjectKey>>()
  const put = (object: T) => {
    for (const term of termsOf(object)) {
      const known = keys.get(term)
      if (known) known.add(keyOf(object))
      else keys.set(term, new Set([keyOf(object)]))
    }
  }
  const drop = (object: T) => {
    for (const term of termsOf(object)) {
      const known = keys.get(term)
      known?.delete(keyOf(object))
      if (known?.size === 0) keys.delete(term)
    }
  }
  for (const object of cache.list()) put(object)
  cache.subscribe(({ before, after }) => {
    if (before) drop(before)
    if (after) put(after)
  })
  return { of: (term) => [...(keys.get(term) ?? [])].flatMap((key) => cache.get(key) ?? []) }
}
