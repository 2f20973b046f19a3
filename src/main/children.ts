import { type FoundObject, type KubeObjects, type Manifest, WORKLOAD_TYPES } from '../external/workload.ts'
import type { Logger } from '../lib/log.ts'
import { type Cache, createCache, keyOf, trim } from '../runtime/cache.ts'
import { createIndex } from '../runtime/index-of.ts'
import type { KubeClient, KubeObject, ResourceType } from '../runtime/kube.ts'
import { type Packed, pack, unpack } from '../runtime/packed.ts'
import { reflect } from '../runtime/reflector/index.ts'

/** What our manifests carry, and what their pods do. */
const OURS = 'app.kubernetes.io/managed-by=penstock'
const OUR_PODS = 'app.kubernetes.io/name in (penstock-processor,penstock-gateway)'
const INSTANCE = 'app.kubernetes.io/instance'
const PODS: ResourceType = { group: '', version: 'v1', plural: 'pods' }

const TYPES: readonly ResourceType[] = Object.values(WORKLOAD_TYPES)

/** The types that are watched, in the plural. */
export const CHILDREN: readonly string[] = [...TYPES, PODS].map(({ plural }) => plural)

/** Options of {@link createChildren}. */
export interface ChildrenOptions {
  readonly kube: KubeClient
  readonly log: Logger
  /** Called with the key (namespace/name) of a Pipeline of which something has changed. */
  readonly wake: (pipeline: string) => void
}

/** What Pipelines are made of. */
export interface Children {
  readonly objects: KubeObjects
  /** Keeps the caches equal to the cluster until the signal aborts. */
  run(onSynced: (plural: string) => void, signal: AbortSignal): Promise<void>
}

/** Watches what carries our labels, so that a Pipeline is looked at when something of it changes. */
export function createChildren({ kube, log, wake }: ChildrenOptions): Children {
  const pods = createCache<KubeObject>()
  const podsOf = createIndex(pods, ({ metadata }) => [
    `${metadata.namespace}/${metadata.labels?.[INSTANCE] ?? ''}`,
  ])
  const caches = new Map<string, Cache<Packed>>(TYPES.map(({ plural }) => [plural, createCache()]))
  const cacheOf = (plural: string): Cache<Packed> => {
    const cache = caches.get(plural)
    if (!cache) throw new TypeError(`${plural} are not watched`)
    return cache
  }
  const onChange = (object: KubeObject | undefined) => {
    const pipeline = pipelineOf(object)
    if (pipeline) wake(pipeline)
  }
  for (const cache of [pods, ...caches.values()])
    cache.subscribe(({ before, after }) => onChange(after ?? before))

  return {
    objects: {
      get: ({ plural }, namespace, name) => {
        const found = cacheOf(plural).get(`${namespace}/${name}`)
        return found && unpack(found)
      },
      podsOf: (namespace, workload): readonly FoundObject[] => podsOf.of(`${namespace}/${workload}`),
      apply: async (type, object: Manifest, manager, signal) => {
        const cache = cacheOf(type.plural)
        const applied = await kube.apply(type, object, manager, signal)
        // The watch may have brought what came after already.
        if (versionOf(applied) > versionOf(cache.get(keyOf(applied)))) cache.set(pack(applied))
      },
      remove: (type, namespace, name, signal) => kube.remove(type, namespace, name, signal),
    },
    run: async (onSynced, signal) => {
      const common = (type: ResourceType) => ({
        ...{ kube, type, log, random: Math.random },
        onSynced: () => onSynced(type.plural),
      })
      await Promise.all([
        ...TYPES.map((type) =>
          reflect({ ...common(type), cache: cacheOf(type.plural), keep: pack, labelSelector: OURS }, signal),
        ),
        reflect({ ...common(PODS), cache: pods, keep: podOf, labelSelector: OUR_PODS }, signal),
      ])
    },
  }
}

/** What is read of a pod. */
function podOf(pod: KubeObject): KubeObject {
  const { phase, podIP } = (pod.status ?? {}) as { readonly phase?: string; readonly podIP?: string }
  return { metadata: trim(pod).metadata, status: { phase, podIP } }
}

const versionOf = (object: KubeObject | undefined): bigint => BigInt(object?.metadata.resourceVersion ?? 0)

/** Objects of a Pipeline are owned by it; pods are called after the role and the workload, which bears its name. */
function pipelineOf(object: KubeObject | undefined): string | undefined {
  if (!object) return undefined
  const { namespace, labels, ownerReferences } = object.metadata
  const owner = ownerReferences?.find(({ kind }) => kind === 'Pipeline')?.name
  const role = /^penstock-(processor|gateway)$/.exec(labels?.['app.kubernetes.io/name'] ?? '')?.[1]
  const name = owner ?? labels?.[INSTANCE]?.replace(new RegExp(`-${role}$`), '')
  return name && `${namespace}/${name}`
}
