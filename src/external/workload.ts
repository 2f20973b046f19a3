import type { WorkloadStatus } from '../contracts/workload.ts'
import { isObject } from '../lib/json.ts'
import type { Change, ExternalResource, Health } from './contract.ts'
import type { SharedPolls } from './polls.ts'

/** A type of Kubernetes object, as the API server names it. */
export interface ObjectType {
  readonly group: string
  readonly version: string
  readonly plural: string
}

/** A Kubernetes object as we want it: every field in it is ours, all others are the cluster's. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly Readonly<Record<string, unknown>>[]
  }
  readonly spec?: unknown
  readonly data?: Readonly<Record<string, string>>
}

/** A Kubernetes object as it is. */
export interface FoundObject {
  readonly metadata: { readonly name: string; readonly generation?: number }
  readonly spec?: unknown
  readonly status?: unknown
}

/** The part of the Kubernetes API that workloads need; its shape is the runtime's client. */
export interface KubeObjects {
  get(
    type: ObjectType,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<FoundObject | undefined>
  listIn(
    type: ObjectType,
    namespace: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ readonly items: readonly FoundObject[] }>
  apply(type: ObjectType, object: Manifest, manager: string, signal: AbortSignal): Promise<unknown>
  remove(type: ObjectType, namespace: string, name: string, signal: AbortSignal): Promise<void>
}

const TYPES: Readonly<Record<string, ObjectType>> = {
  ConfigMap: { group: '', version: 'v1', plural: 'configmaps' },
  Service: { group: '', version: 'v1', plural: 'services' },
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments' },
  StatefulSet: { group: 'apps', version: 'v1', plural: 'statefulsets' },
}
const PODS: ObjectType = { group: '', version: 'v1', plural: 'pods' }

/** How old an answer about pods that are starting may be. */
const RECENT_MS = 1_000

/** Field manager of what we make in the cluster. */
const MANAGER = 'penstock'

/** A workload as it is wanted. */
export interface WorkloadWish {
  readonly name: string
  readonly namespace: string
  /** The object that runs pods comes last. */
  readonly manifests: readonly Manifest[]
  readonly replicas: number
  /** Hash of the configuration that the pods are to run. */
  readonly hash: string
  readonly podSelector: string
  readonly statusPort: number
}

/** A workload as it is. */
export interface WorkloadObservation {
  readonly found: ReadonlyMap<string, FoundObject>
  /** Answers of `GET /status` of the pods that gave one. */
  readonly pods: readonly WorkloadStatus[]
}

/** What a workload works with. */
export interface WorkloadContext {
  readonly kube: KubeObjects
  readonly polls: SharedPolls
  readonly user: string
  /** Asks a pod for its status. */
  readonly ask: (address: string, signal: AbortSignal) => Promise<WorkloadStatus>
}

/** A Deployment or StatefulSet with what belongs to it; healthy when every pod runs this configuration and answers. */
export function workload(
  context: WorkloadContext,
  wish: WorkloadWish,
): ExternalResource<WorkloadObservation> {
  const { kube, polls, user } = context
  const { namespace, manifests } = wish
  const poll = {
    key: `workload ${namespace}/${wish.name}`,
    everyMs: 5_000,
    ask: (signal: AbortSignal) => look(context, wish, signal),
    fingerprint: ({ found, pods }: WorkloadObservation) =>
      JSON.stringify([
        [...found.values()].map(({ status }) => status),
        pods.map(({ hash, units }) => [hash, units.map(({ state }) => state)]),
      ]),
  }
  return {
    id: { kind: 'Workload', name: wish.name },
    observe: async (signal, after) => {
      const seen = await polls.read(poll, user, signal, after)
      // What is just starting is looked at as often as it is asked about.
      const observed =
        healthOf(seen, wish).type === 'Ready' ? seen : await polls.recent(poll, user, signal, RECENT_MS)
      return observed.found.size === 0 ? undefined : observed
    },
    diff: ({ found }) => manifests.flatMap((manifest) => difference(manifest, found)),
    health: (observed) => healthOf(observed, wish),
    apply: async (observed, _changes, signal) => {
      for (const manifest of manifests) {
        if (observed && difference(manifest, observed.found).length === 0) continue
        await kube.apply(typeOf(manifest), manifest, MANAGER, signal)
      }
    },
    remove: async (signal) => {
      for (const manifest of manifests.toReversed()) {
        await kube.remove(typeOf(manifest), namespace, manifest.metadata.name, signal)
      }
    },
  }
}

async function look(
  { kube, ask }: WorkloadContext,
  { namespace, manifests, podSelector, statusPort }: WorkloadWish,
  signal: AbortSignal,
): Promise<WorkloadObservation> {
  const objects = await Promise.all(
    manifests.map(async (manifest) => {
      const found = await kube.get(typeOf(manifest), namespace, manifest.metadata.name, signal)
      return found ? ([[keyOf(manifest), found]] as const) : []
    }),
  )
  const { items } = await kube.listIn(PODS, namespace, { labelSelector: podSelector, limit: '100' }, signal)
  const answers = await Promise.allSettled(
    items.flatMap((pod) => podAddress(pod).map((ip) => ask(`http://${ip}:${statusPort}/status`, signal))),
  )
  return {
    found: new Map(objects.flat()),
    pods: answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])),
  }
}

/** Address of a pod that runs and is not on its way out. */
function podAddress(pod: FoundObject): readonly string[] {
  const { phase, podIP } = isObject(pod.status) ? pod.status : {}
  const leaving = 'deletionTimestamp' in pod.metadata
  return phase === 'Running' && !leaving && typeof podIP === 'string'
    ? [podIP.includes(':') ? `[${podIP}]` : podIP]
    : []
}

function difference(manifest: Manifest, found: ReadonlyMap<string, FoundObject>): readonly Change[] {
  const there = found.get(keyOf(manifest))
  if (there === undefined) return [{ what: `${keyOf(manifest)} created` }]
  return covers(there, manifest) ? [] : [{ what: `${keyOf(manifest)} changed` }]
}

/** Whether everything that is wanted is there; the cluster's own defaults beside it do not count. */
export function covers(there: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(there) &&
      there.length === wanted.length &&
      wanted.every((item, index) => covers(there[index], item))
    )
  }
  if (!isObject(wanted)) return there === wanted
  return isObject(there) && Object.entries(wanted).every(([key, value]) => covers(there[key], value))
}

function healthOf(
  { found, pods }: WorkloadObservation,
  { manifests, replicas, hash, name }: WorkloadWish,
): Health {
  const runner = manifests.at(-1)
  const there = runner && found.get(keyOf(runner))
  const status = isObject(there?.status) ? there.status : {}
  const updated = Number(status['updatedReplicas'] ?? 0)
  const ready = Number(status['readyReplicas'] ?? 0)
  if (status['observedGeneration'] !== there?.metadata.generation || updated < replicas || ready < replicas) {
    return {
      type: 'NotReady',
      reason: 'PodsNotReady',
      message: `${ready}/${replicas} pods of ${name} are ready: kubectl describe pods -l app.kubernetes.io/instance=${name}`,
      afterMs: 2_000,
    }
  }
  const current = pods.filter((pod) => pod.hash === hash)
  if (current.length < replicas) {
    return {
      type: 'NotReady',
      reason: 'PodsNotAnswering',
      message: `${current.length}/${replicas} pods of ${name} answer with this configuration: see their logs`,
      afterMs: 2_000,
    }
  }
  const failed = current.flatMap(({ units }) => units).find((unit) => unit.state === 'Failed')
  if (failed) {
    return {
      type: 'NotReady',
      reason: 'UnitFailed',
      message: `${failed.name} cannot go on and is tried again: ${failed.error ?? 'see the log'}`,
    }
  }
  return { type: 'Ready', reason: 'Available', message: `${ready}/${replicas} pods run` }
}

function typeOf({ kind }: Manifest): ObjectType {
  const type = TYPES[kind]
  if (!type) throw new TypeError(`workloads are not made of ${kind}`)
  return type
}

const keyOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`
