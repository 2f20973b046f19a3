import { silentLogger } from '../../src/lib/log.ts'
import { createCache } from '../../src/runtime/cache.ts'
import type { KubeClient, KubeObject, ResourceType } from '../../src/runtime/kube.ts'
import { createQueue } from '../../src/runtime/queue.ts'
import { reflect } from '../../src/runtime/reflector/index.ts'
import { core } from './objects.ts'

const DEPLOYMENTS: ResourceType = { group: 'apps', version: 'v1', plural: 'deployments' }
const WORKERS = 16

/** Stand-ins for the nodes: every Deployment has its pod at once, and pods say what they were configured to. */
export interface Cluster {
  /** What the pod at this address answers to `GET /status`; undefined where there is none. */
  status(address: string): object | undefined
}

/** Makes pods for Deployments until the signal aborts. `busy` says whether rows trickle through the n-th of them. */
export function startCluster(kube: KubeClient, busy: (pod: number) => boolean, signal: AbortSignal): Cluster {
  const hashes = new Map<string, string>()
  const numbers = new Map<string, number>()
  const cache = createCache<KubeObject>()
  const queue = createQueue()
  signal.addEventListener('abort', () => queue.close(), { once: true })
  cache.subscribe(({ key, after }) => {
    if (after && isNew(after)) queue.add(key)
  })
  const work = async () => {
    for (;;) {
      const key = await queue.take()
      if (key === undefined) return
      const deployment = cache.get(key)
      if (deployment)
        await roll(deployment).catch(
          (error: unknown) => void (signal.aborted || console.error(String(error))),
        )
      queue.done(key)
    }
  }
  const roll = async (deployment: KubeObject) => {
    const { name, namespace = '', generation } = deployment.metadata
    const known = numbers.get(`${namespace}/${name}`)
    const number = known ?? numbers.size
    numbers.set(`${namespace}/${name}`, number)
    const template = (deployment.spec as { readonly template: Template }).template
    hashes.set(addressOf(number), template.metadata.annotations['penstock.dev/config-hash'] ?? '')
    if (known === undefined) {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: `${name}-0`, namespace } }
      const spec = { containers: [{ name: 'c', image: 'none' }], automountServiceAccountToken: false }
      await kube.create(
        core('pods'),
        { ...pod, metadata: { ...pod.metadata, labels: template.metadata.labels }, spec },
        signal,
      )
      const status = { phase: 'Running', podIP: addressOf(number), podIPs: [{ ip: addressOf(number) }] }
      await kube.apply(core('pods'), { ...pod, status }, 'bench', signal, 'status')
    }
    const ready = {
      observedGeneration: generation,
      replicas: 1,
      updatedReplicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
    }
    const head = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace } }
    await kube.apply(DEPLOYMENTS, { ...head, status: ready }, 'bench', signal, 'status')
  }
  const options = { kube, type: DEPLOYMENTS, cache, log: silentLogger(), random: Math.random }
  void reflect(
    { ...options, labelSelector: 'app.kubernetes.io/managed-by=penstock', onSynced: () => undefined },
    signal,
  )
  for (let index = 0; index < WORKERS; index++) void work()
  return {
    status: (address) => {
      const hash = hashes.get(address)
      if (hash === undefined) return undefined
      const records = busy(numberOf(address)) ? Math.floor(Math.random() * 2) : 0
      const units = [{ name: 'rows', state: 'Running', lag: { records, seconds: records / 10 }, skipped: 0 }]
      return { role: 'gateway', version: 'bench', hash, units, connections: 0 }
    },
  }
}

interface Template {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
}

const isNew = ({ metadata, status }: KubeObject): boolean =>
  (status as { readonly observedGeneration?: number } | undefined)?.observedGeneration !== metadata.generation

const addressOf = (number: number): string => `10.200.${Math.floor(number / 250)}.${(number % 250) + 1}`

const numberOf = (address: string): number => {
  const [, , high = 0, low = 0] = address.split('.').map(Number)
  return high * 250 + low - 1
}
