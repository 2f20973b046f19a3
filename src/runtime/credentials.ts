import { createHash } from 'node:crypto'
import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { Agent, type buildConnector } from 'undici'

import type { KubeTransport } from './kube.ts'

/** How long credentials are used before the kubeconfig's files are read again (a projected token rotates hourly). */
const FRESH_MS = 30_000
/** Connections to the API server; a watch each for our kinds, the rest for calls. */
const CONNECTIONS = 10

/**
 * A pooled transport to the API server that the environment names: KUBECONFIG, the pod's service account, or
 * ~/.kube/config. Credentials are read again every 30 s; connections are made anew only when they changed.
 * @kubernetes/client-node's own requests build a TLS connection each, so it is used for the kubeconfig alone.
 */
export function createTransport(
  now: () => number,
): KubeTransport & { readonly host: string; close(): Promise<void> } {
  const config = new KubeConfig()
  config.loadFromDefault()
  const cluster = config.getCurrentCluster()
  if (!cluster)
    throw new Error('no Kubernetes cluster: set KUBECONFIG, or run in a pod with a service account')
  const server = new URL(cluster.server)
  let current: { agent: Agent; headers: Record<string, string>; fingerprint: string; at: number } | undefined

  const credentials = async () => {
    if (current && now() - current.at < FRESH_MS) return current
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    const connect = pick(options)
    const fingerprint = createHash('sha256').update(JSON.stringify(connect)).digest('hex')
    const agent =
      current?.fingerprint === fingerprint
        ? current.agent
        : new Agent({
            // One HTTP/2 connection for everything would go deaf as a whole when it is black-holed.
            allowH2: false,
            connections: CONNECTIONS,
            keepAliveTimeout: 30_000,
            headersTimeout: 30_000,
            bodyTimeout: 0,
            connect,
          })
    if (current && current.agent !== agent) void current.agent.close()
    current = { agent, headers: { ...(options.headers as Record<string, string>) }, fingerprint, at: now() }
    return current
  }

  return {
    host: server.host,
    request: async ({ method, path, headers, body, signal }) => {
      const { agent, headers: authorization } = await credentials()
      const response = await agent.request({
        origin: server.origin,
        path: `${server.pathname.replace(/\/$/, '')}${path}`,
        method,
        headers: { ...authorization, ...headers },
        body: body ?? null,
        signal,
      })
      if (response.statusCode === 401 && current) current = { ...current, at: 0 }
      return response
    },
    close: async () => {
      await current?.agent.destroy()
    },
  }
}

function pick({
  ca,
  cert,
  key,
  servername,
  rejectUnauthorized,
}: RequestOptions): buildConnector.BuildOptions {
  const text = (value: unknown) => (Buffer.isBuffer(value) ? value.toString() : value)
  return Object.fromEntries(
    Object.entries({ ca: text(ca), cert: text(cert), key: text(key), servername, rejectUnauthorized }).filter(
      ([, value]) => value !== undefined,
    ),
  )
}
