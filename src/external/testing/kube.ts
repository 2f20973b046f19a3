import { isObject } from '../../lib/json.ts'
import type { FoundObject, KubeObjects } from '../workload.ts'

/** A Kubernetes API in memory, as far as workloads need it. */
export interface MemoryKube {
  readonly kube: KubeObjects
  /** Objects by `plural/namespace/name`. */
  readonly objects: Map<string, FoundObject>
  /** Acts that write, in order, such as "apply configmaps/ns/a". */
  readonly writes: string[]
}

/** An empty API; applied objects keep what others had set, as the server does. */
export function memoryKube(): MemoryKube {
  const objects = new Map<string, FoundObject>()
  const writes: string[] = []
  const kube: KubeObjects = {
    get: ({ plural }, namespace, name) => objects.get(`${plural}/${namespace}/${name}`),
    podsOf: (namespace) =>
      [...objects].flatMap(([key, object]) => (key.startsWith(`pods/${namespace}/`) ? object : [])),
    apply: async ({ plural }, object) => {
      const key = `${plural}/${object.metadata.namespace}/${object.metadata.name}`
      writes.push(`apply ${key}`)
      const generation = (objects.get(key)?.metadata.generation ?? 0) + 1
      const applied = merge(objects.get(key) ?? {}, {
        ...object,
        metadata: { ...object.metadata, generation },
      })
      objects.set(key, applied as FoundObject)
    },
    remove: async ({ plural }, namespace, name) => {
      writes.push(`remove ${plural}/${namespace}/${name}`)
      objects.delete(`${plural}/${namespace}/${name}`)
    },
  }
  return { kube, objects, writes }
}

function merge(there: unknown, applied: unknown): unknown {
  if (!isObject(there) || !isObject(applied)) return applied
  const keys = [...new Set([...Object.keys(there), ...Object.keys(applied)])]
  return Object.fromEntries(
    keys.map((key) => [key, key in applied ? merge(there[key], applied[key]) : there[key]]),
  )
}
