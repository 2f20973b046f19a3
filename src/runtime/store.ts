import { type Cache, keyOf, trim } from './cache.ts'
import type { EventRecorder } from './events.ts'
import { isKubeError, type KubeClient, type KubeObject, type ResourceType } from './kube.ts'
import type { RuntimeMetrics } from './metrics.ts'

/** Field manager of our status writes. */
const STATUS_MANAGER = 'penstock-status'

/** Reads objects of one type from the cache and writes their status and finalizers. */
export function createStore<O extends KubeObject>(options: {
  readonly kube: KubeClient
  readonly type: ResourceType
  readonly kind: string
  readonly cache: Cache<O>
  readonly events: EventRecorder
  readonly metrics: RuntimeMetrics
}) {
  const { kube, type, kind, cache, events, metrics } = options
  const apiVersion = `${type.group}/${type.version}`
  const remember = (object: KubeObject): O => {
    const kept = trim(object) as O
    if (isNews(cache.get(keyOf(object)), object)) cache.set(kept)
    return kept
  }
  return {
    get: (key: string): O | undefined => cache.get(key),
    /** Undefined when the object has changed or gone meanwhile: the watch tells of it. */
    setFinalizers: async (
      object: O,
      finalizers: readonly string[],
      signal: AbortSignal,
    ): Promise<O | undefined> => {
      const { namespace, name, resourceVersion } = object.metadata
      metrics.wrote('finalizer')
      try {
        return remember(
          await kube.merge(type, namespace, name, { metadata: { resourceVersion, finalizers } }, signal),
        )
      } catch (error) {
        if (isKubeError(error, 409) || isKubeError(error, 404)) return undefined
        throw error
      }
    },
    writeStatus: async (
      object: O,
      status: Readonly<Record<string, unknown>>,
      signal: AbortSignal,
    ): Promise<O> => {
      const { namespace, name, uid } = object.metadata
      metrics.wrote('status')
      const body = {
        apiVersion,
        kind,
        metadata: { name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) },
        status,
      }
      return remember(await kube.apply(type, body, STATUS_MANAGER, signal, 'status'))
    },
    event: (
      object: O,
      kindOfEvent: 'Normal' | 'Warning',
      reason: string,
      note: string,
      signal: AbortSignal,
    ) =>
      events.record(
        { apiVersion, kind, ...object },
        { type: kindOfEvent, reason, action: 'Reconcile', note },
        signal,
      ),
  }
}

/** The watch may have brought a later version, or the object's end, before the answer to a write of ours. */
function isNews(known: KubeObject | undefined, answer: KubeObject): boolean {
  if (known?.metadata.uid !== answer.metadata.uid) return false
  return version(answer) > version(known)
}

const version = (object: KubeObject | undefined): bigint => BigInt(object?.metadata.resourceVersion ?? 0)
