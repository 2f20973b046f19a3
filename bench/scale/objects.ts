import type { KubeClient, KubeObject, ResourceType } from '../../src/runtime/kube.ts'

const API_VERSION = 'penstock.dev/v1alpha1'
const PER_BACKBONE = 100
const AT_ONCE = 32

/** The type of resource of a kind of ours. */
export const typeOf = (plural: string): ResourceType => ({
  group: 'penstock.dev',
  version: 'v1alpha1',
  plural,
})
const core = (plural: string): ResourceType => ({ group: '', version: 'v1', plural })

/** Makes so many Sources, a hundred to a Backbone, each Backbone in a namespace of its own (`b0`, `b1`, …). */
export async function makeObjects(
  kube: KubeClient,
  sources: number,
  outsidePort: number,
  signal: AbortSignal,
): Promise<void> {
  const jobs: (() => Promise<unknown>)[] = []
  for (let index = 0; index * PER_BACKBONE < sources; index++) {
    const namespace = `b${index}`
    await kube.create(core('namespaces'), { metadata: { name: namespace } }, signal)
    const data = {
      username: Buffer.from('u').toString('base64'),
      password: Buffer.from('p').toString('base64'),
    }
    await kube.create(core('secrets'), { metadata: { name: 'db', namespace }, data }, signal)
    jobs.push(() => kube.create(typeOf('backbones'), backbone(namespace, outsidePort), signal))
    const count = Math.min(PER_BACKBONE, sources - index * PER_BACKBONE)
    for (let number = 0; number < count; number++)
      jobs.push(() => kube.create(typeOf('sources'), source(namespace, `s${number}`), signal))
  }
  const left = jobs.values()
  const work = async () => {
    for (const job of left) await job()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

const backbone = (namespace: string, port: number): KubeObject => ({
  apiVersion: API_VERSION,
  kind: 'Backbone',
  metadata: { name: 'main', namespace },
  spec: {
    kafka: { bootstrapServers: [`${namespace}:9092`] },
    connect: {
      type: 'External',
      external: { url: `http://127.0.0.1:${port}/connect/${namespace}`, secrets: { type: 'Inline' } },
    },
    topicDefaults: { partitions: 1, replicationFactor: 1 },
  },
})

const source = (namespace: string, name: string): KubeObject => ({
  apiVersion: API_VERSION,
  kind: 'Source',
  metadata: { name, namespace },
  spec: {
    backboneRef: { name: 'main' },
    type: 'Postgres',
    postgres: { host: namespace, database: 'shop', credentialsSecretRef: { name: 'db' } },
    tables: [{ name: 'public.orders' }],
  },
})
