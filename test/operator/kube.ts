import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { Agent } from 'undici'
import { GROUP, VERSION } from '../../src/api/crd/definition.ts'
import { createKubeClient, type KubeClient, type ResourceType } from '../../src/runtime/kube.ts'

/** A client of the test bed's API server as its administrator. */
export async function adminKube(kubeconfig: string): Promise<KubeClient & { close(): Promise<void> }> {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const options: RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  const { ca, cert, key } = options
  const text = (value: unknown): string => String(value)
  const agent = new Agent({ connect: { ca: text(ca), cert: text(cert), key: text(key) } })
  const origin = config.getCurrentCluster()?.server ?? ''
  const client = createKubeClient({
    request: ({ method, path, headers, body, signal }) =>
      agent.request({ origin, path, method, headers: { ...headers }, body: body ?? null, signal }),
  })
  return { ...client, close: () => agent.destroy() }
}

/** The kinds that tests handle. */
export type KindName = 'Backbone' | 'Source' | 'Pipeline'

/** The type of resource of a kind of ours. */
export const typeOf = (kind: KindName): ResourceType => ({
  group: GROUP,
  version: VERSION,
  plural: `${kind.toLowerCase()}s`,
})

/** Kubernetes' own types that tests handle. */
export const NAMESPACES: ResourceType = { group: '', version: 'v1', plural: 'namespaces' }
/** Secrets. */
export const SECRETS: ResourceType = { group: '', version: 'v1', plural: 'secrets' }
/** Events. */
export const EVENTS: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events' }
