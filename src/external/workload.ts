import type { WorkloadStatus } from '../contracts/workload.ts'
import { isObject } from '../lib/json.ts'
import type { Change, ExternalResource, Health } from './contract.ts'
import { type AskPod, podsQuestion } from './pod.ts'
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
    readonly ownerReferences?: readonly {
      readonly apiVersion: string
      readonly kind: string
      readonly name: string
      readonly uid: string
      readonly controller: boolean
      readonly blockOwnerDeletion: boolean
    }[]
  }
  readonly spec?: unknown
  readonly data?: Readonly<Record<string, string>>
}

/** A Kubernetes object as it is. */
export interface FoundObject {
  readonly metadata: {
    readonly name: string
    readonly generation?: number
    readonly ownerReferences?: readonly { readonly uid?: string }[]
  }
  readonly spec?: unknown
  readonly status?: unknown
}

/** What we have made in the cluster: kept up to date by watches, so that looking costs nothing. */
export interface KubeObjects {
  get(type: ObjectType, namespace: string, name: string): FoundObject | undefined
  /** Pods of the workload of this name. */
  podsOf(namespace: string, workload: string): readonly FoundObject[]
  /** From its return on, `get` gives what was applied, or what came after. */
  apply(type: ObjectType, object: Manifest, manager: string, signal: AbortSignal): Promise<void>
  /** Gone already is success. */
  remove(type: ObjectType, namespace: string, name: string, signal: AbortSignal): Promise<void>
}

/** Types of the objects that workloads are made of, by kind. */
export const WORKLOAD_TYPES = {
  ConfigMap: { group: '', version: 'v1', plural: 'configmaps' },
  Service: { group: '', version: 'v1', plural: 'services' },
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments' },
  StatefulSet: { group: 'apps', version: 'v1', plural: 'statefulsets' },
} as const satisfies Readonly<Record<string, ObjectType>>

/** How old an answer of pods that are starting may be. */
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
  readonly statusPort: number
}

/** A workload that is not wanted: its objects by name alone, and the uid of whom they would belong to. */
export interface UnwantedWorkload extends Pick<WorkloadWish, 'name' | 'namespace' | 'manifests'> {
  readonly owner: string
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
  readonly ask: AskPod
  readonly now: () => number
  /** Takes what pods say between reconciles; answers with what the status shows of it. */
  readonly note: (pods: readonly WorkloadStatus[]) => string
}

/** A Deployment or StatefulSet with what belongs to it; healthy when every pod runs this configuration and answers. */
export function workload(
  context: WorkloadContext,
  wish: WorkloadWish,
): ExternalResource<WorkloadObservation> {
  const { kube } = context
  const { namespace, manifests } = wish
  return {
    id: { kind: 'Workload', name: wish.name },
    observe: async (signal) => {
      const found = new Map(
        manifests.flatMap((manifest) => {
          const there = kube.get(typeOf(manifest), namespace, manifest.metadata.name)
          return there ? [[keyOf(manifest), there] as const] : []
        }),
      )
      if (found.size === 0) return undefined
      const seen = { found, pods: await answers(context, wish, signal) }
      if (healthOf(seen, wish).type === 'Ready') return seen
      // What is just starting is looked at as often as it is asked about.
      return { found, pods: await answers(context, wish, signal, context.now() - RECENT_MS) }
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

/** A workload that is not wanted, or not any more: what is there of it and belongs to the same owner is taken away. */
export function noWorkload(
  { kube }: Pick<WorkloadContext, 'kube'>,
  { name, namespace, manifests, owner }: UnwantedWorkload,
): ExternalResource<readonly Manifest[]> {
  const isOwned = (found: FoundObject | undefined) =>
    found?.metadata.ownerReferences?.some(({ uid }) => uid === owner) ?? false
  const left = () =>
    manifests.filter((manifest) => isOwned(kube.get(typeOf(manifest), namespace, manifest.metadata.name)))
  const remove = async (signal: AbortSignal) => {
    for (const manifest of left().toReversed())
      await kube.remove(typeOf(manifest), namespace, manifest.metadata.name, signal)
  }
  return {
    id: { kind: 'NoWorkload', name },
    observe: async () => left(),
    diff: (found) => found.map((manifest) => ({ what: `${keyOf(manifest)} removed` })),
    health: () => ({ type: 'Ready', reason: 'NotNeeded', message: 'nothing for it to do' }),
    apply: (_observed, _changes, signal) => remove(signal),
    remove,
  }
}

/** What the pods of a workload say of themselves. */
async function answers(
  { kube, polls, user, ask, note }: WorkloadContext,
  { namespace, name, statusPort }: WorkloadWish,
  signal: AbortSignal,
  after?: number,
): Promise<readonly WorkloadStatus[]> {
  const names = kube
    .podsOf(namespace, name)
    .flatMap((pod) => podAddress(pod).map((ip) => `http://${ip}:${statusPort}/status`))
  if (names.length === 0) return []
  const interest = {
    names,
    fingerprint: (pods: ReadonlyMap<string, WorkloadStatus>) => {
      const said = [...pods.values()]
      const states = said.map(({ hash, units }) => [hash, units.map(({ state }) => state)])
      return JSON.stringify([states, note(said)])
    },
  }
  return [...(await polls.readEach(podsQuestion(ask), interest, user, signal, after)).values()]
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
  const types: Readonly<Record<string, ObjectType>> = WORKLOAD_TYPES
  const type = types[kind]
  if (!type) throw new TypeError(`workloads are not made of ${kind}`)
  return type
}

const keyOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`
