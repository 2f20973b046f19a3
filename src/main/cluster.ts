import { KubeConfig } from '@kubernetes/client-node'
import { messageOf } from '../lib/verdict.ts'
import { createTransport } from '../runtime/credentials.ts'
import { createKubeClient, type KubeClient, type ResourceType } from '../runtime/kube.ts'

/** Kubernetes' Secrets. */
export const SECRETS: ResourceType = { group: '', version: 'v1', plural: 'secrets' }
const NAMESPACES: ResourceType = { group: '', version: 'v1', plural: 'namespaces' }

/** The prefix of marks on what is ours: of the uid of namespace kube-system; undefined where there is none. */
export async function installationOf(kube: KubeClient, signal: AbortSignal): Promise<string | undefined> {
  const namespace = await kube.get(NAMESPACES, undefined, 'kube-system', signal)
  return namespace?.metadata.uid?.slice(0, 8)
}

/** A Secret's data, decoded; undefined where there is none. */
export async function readSecret(
  kube: KubeClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>> | undefined> {
  const secret = await kube.get(SECRETS, namespace, name, signal)
  const data = secret?.data ?? {}
  return (
    secret &&
    Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    )
  )
}

/** The cluster of the current kubeconfig, which a command can do without. */
export interface OptionalCluster {
  /** Undefined where there is no kubeconfig. */
  readonly kube: KubeClient | undefined
  /** For a sentence: which cluster it is, or why there is none. */
  readonly name: string
  /** Of objects that name none. */
  readonly namespace: string
  close(): Promise<void>
}

/** Prepares to ask the cluster of the current kubeconfig; asks nothing yet. */
export function openCluster(): OptionalCluster {
  try {
    const config = new KubeConfig()
    config.loadFromDefault()
    const transport = createTransport(Date.now)
    return {
      kube: createKubeClient(transport),
      name: `the cluster at ${config.getCurrentCluster()?.server}`,
      namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
      close: transport.close,
    }
  } catch (error) {
    const name = `no cluster is known (${messageOf(error, 200)})`
    return { kube: undefined, name, namespace: 'default', close: () => Promise.resolve() }
  }
}
