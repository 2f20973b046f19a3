import type { KubeClient, KubeObject, ResourceType } from '../../src/runtime/kube.ts'

const API_VERSION = 'penstock.dev/v1alpha1'
/** Sources of a Backbone, and Backbones of a namespace, whose Sources all log in by one Secret. */
const PER_BACKBONE = 100
const BACKBONES_PER_NAMESPACE = 10
const AT_ONCE = 32

/** How many objects there are. */
export interface Size {
  readonly sources: number
  readonly pipelines: number
}

/** The type of resource of a kind of ours. */
export const typeOf = (plural: string): ResourceType => ({
  group: 'penstock.dev',
  version: 'v1alpha1',
  plural,
})
/** A type of resource of the core group. */
export const core = (plural: string): ResourceType => ({ group: '', version: 'v1', plural })

/** Name and namespace of a Source, and the Backbone it stands on. */
export function placeOf(source: number): {
  readonly namespace: string
  readonly backbone: string
  readonly name: string
} {
  const backbone = Math.floor(source / PER_BACKBONE)
  const namespace = `n${Math.floor(backbone / BACKBONES_PER_NAMESPACE)}`
  return { namespace, backbone: `b${backbone}`, name: `s${source}` }
}

/** The table that a Source captures. */
export const tableOf = (source: number): string => `public.t${source}`

/** How many objects of ours {@link makeObjects} makes. */
export const countOf = ({ sources, pipelines }: Size): number =>
  sources + pipelines + Math.ceil(sources / PER_BACKBONE)

/** Base64 of a login, as a Secret has it. */
export const loginOf = (password: string): Readonly<Record<string, string>> => ({
  username: Buffer.from('u').toString('base64'),
  password: Buffer.from(password).toString('base64'),
})

/** Makes Backbones, Sources on them and Pipelines that read these in turn, as fast as the API server takes them. */
export async function makeObjects(
  kube: KubeClient,
  { sources, pipelines }: Size,
  outsidePort: number,
  signal: AbortSignal,
): Promise<void> {
  const places = Array.from({ length: sources }, (_, index) => placeOf(index))
  for (const namespace of new Set(places.map((place) => place.namespace))) {
    await kube.create(core('namespaces'), { metadata: { name: namespace } }, signal)
    // Pods need one, and nobody else makes it here.
    await kube.create(core('serviceaccounts'), { metadata: { name: 'default', namespace } }, signal)
    await kube.create(core('secrets'), { metadata: { name: 'db', namespace }, data: loginOf('p') }, signal)
  }
  const jobs = [...new Map(places.map(({ namespace, backbone }) => [backbone, namespace]))].map(
    ([name, namespace]) =>
      () =>
        kube.create(typeOf('backbones'), backbone(namespace, name, outsidePort), signal),
  )
  for (let index = 0; index < sources; index++)
    jobs.push(() => kube.create(typeOf('sources'), source(index), signal))
  for (let index = 0; index < pipelines; index++)
    jobs.push(() => kube.create(typeOf('pipelines'), pipeline(index, index % sources), signal))
  await atOnce(AT_ONCE, jobs)
}

/** Runs jobs, so many at a time. */
export async function atOnce(count: number, jobs: readonly (() => Promise<unknown>)[]): Promise<void> {
  const left = jobs.values()
  const work = async () => {
    for (const job of left) await job()
  }
  await Promise.all(Array.from({ length: count }, work))
}

const backbone = (namespace: string, name: string, port: number): KubeObject => ({
  apiVersion: API_VERSION,
  kind: 'Backbone',
  metadata: { name, namespace },
  spec: {
    kafka: { bootstrapServers: [`${name}:9092`] },
    connect: {
      type: 'External',
      external: { url: `http://127.0.0.1:${port}/connect/${name}`, secrets: { type: 'Inline' } },
    },
    topicDefaults: { partitions: 1, replicationFactor: 1 },
  },
})

function source(index: number): KubeObject {
  const { namespace, backbone: on, name } = placeOf(index)
  return {
    apiVersion: API_VERSION,
    kind: 'Source',
    metadata: { name, namespace },
    spec: {
      backboneRef: { name: on },
      type: 'Postgres',
      postgres: { host: on, database: 'shop', credentialsSecretRef: { name: 'db' } },
      tables: [{ name: tableOf(index) }],
    },
  }
}

function pipeline(index: number, of: number): KubeObject {
  const { namespace, backbone: on, name } = placeOf(of)
  return {
    apiVersion: API_VERSION,
    kind: 'Pipeline',
    metadata: { name: `p${index}`, namespace },
    spec: {
      backboneRef: { name: on },
      inputs: [{ name: 'rows', sourceRef: { name }, table: tableOf(of) }],
      views: [{ name: 'rows', from: ['rows'] }],
    },
  }
}
