import type { KubeMetadata, KubeObject } from './kube.ts'

/** Namespace and name of an object, as `namespace/name`. */
export type ObjectKey = string

/** The key of an object. */
export function keyOf(object: KubeObject): ObjectKey {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

/** Namespace and name of a key. */
export function splitKey(key: ObjectKey): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}

/** What changed in a cache; `before` is what stood there. */
export interface CacheChange<T extends KubeObject> {
  readonly key: ObjectKey
  readonly before: T | undefined
  readonly after: T | undefined
}

/** The objects of one type, kept up to date by a reflector. Reads cost nothing. */
export interface Cache<T extends KubeObject> {
  get(key: ObjectKey): T | undefined
  list(): Iterable<T>
  readonly size: number
  /** Calls `listener` for every change from now on. A listener must not throw. */
  subscribe(listener: (change: CacheChange<T>) => void): void
  set(object: T): void
  delete(key: ObjectKey): void
  /** Makes the cache hold just these objects, and tells of what is new, different or gone. */
  replace(objects: readonly T[]): void
}

/** An empty cache. */
export function createCache<T extends KubeObject>(): Cache<T> {
  const objects = new Map<ObjectKey, T>()
  const listeners: ((change: CacheChange<T>) => void)[] = []
  const tell = (change: CacheChange<T>) => {
    for (const listener of listeners) listener(change)
  }
  const set = (object: T) => {
    const key = keyOf(object)
    const before = objects.get(key)
    if (before && before.metadata.resourceVersion === object.metadata.resourceVersion) return
    objects.set(key, object)
    tell({ key, before, after: object })
  }
  const remove = (key: ObjectKey) => {
    const before = objects.get(key)
    if (!before) return
    objects.delete(key)
    tell({ key, before, after: undefined })
  }

  return {
    get: (key) => objects.get(key),
    list: () => objects.values(),
    get size() {
      return objects.size
    },
    subscribe: (listener) => void listeners.push(listener),
    set,
    delete: remove,
    replace: (fresh) => {
      const present = new Set(fresh.map(keyOf))
      for (const key of [...objects.keys()]) if (!present.has(key)) remove(key)
      for (const object of fresh) set(object)
    },
  }
}

/** An object without what nobody here reads and what makes up half of its size. */
export function trim(object: KubeObject): KubeObject {
  const {
    managedFields: _managed,
    annotations,
    ...metadata
  } = object.metadata as KubeMetadata & { managedFields?: unknown }
  const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...kept } = annotations ?? {}
  return {
    ...object,
    metadata: { ...metadata, ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}) },
  }
}
