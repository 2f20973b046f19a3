import { createHash } from 'node:crypto'
import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { Agent, buildConnector, type Dispatcher } from 'undici'

import type { KubeTransport } from './kube.ts'

/** How long credentials are used before the kubeconfig's files are read again (a projected token rotates hourly). */
const FRESH_MS = 30_000
/** Connections for calls; all watches share one more. */
const CALLS = 8
/** A connection for watches is dead when a ping is not answered before the next one. */
const PING_MS = 15_000

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
  let current:
    | { agents: Agents; headers: Record<string, string>; fingerprint: string; at: number }
    | undefined

  const credentials = async () => {
    if (current && now() - current.at < FRESH_MS) return current
    const options: RequestOptions = {}
    await config.applyToHTTPSOptions(options)
    const connect = pick(options)
    const fingerprint = createHash('sha256').update(JSON.stringify(connect)).digest('hex')
    const agents = current?.fingerprint === fingerprint ? current.agents : agentsFor(connect)
    if (current && current.agents !== agents) void current.agents.close()
    current = { agents, headers: { ...(options.headers as Record<string, string>) }, fingerprint, at: now() }
    return current
  }

  return {
    host: server.host,
    request: async ({ method, path, headers, body, signal, lasting = false }) => {
      const { agents, headers: authorization } = await credentials()
      const response = await (lasting ? agents.watch : agents.call)({
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
      await current?.agents.destroy()
    },
  }
}

type Ask = (
  options: Dispatcher.RequestOptions & { readonly origin: string },
) => Promise<Dispatcher.ResponseData>

interface Agents {
  readonly call: Ask
  readonly watch: Ask
  /** After what they have in hand. */
  close(): Promise<void>
  /** At once. */
  destroy(): Promise<void>
}

/**
 * A connection carries one call at a time, so that one which is cut off takes no other along. Watches last, and each would
 * hold a connection: they are streams of one, by HTTP/2; where something on the way speaks HTTP/1.1 only, they have one each.
 */
function agentsFor(connect: buildConnector.BuildOptions): Agents {
  const common = { headersTimeout: 30_000, bodyTimeout: 0 }
  const one = { ...common, connect, allowH2: false }
  const calls = new Agent({ ...one, connections: CALLS, keepAliveTimeout: 30_000 })
  const streams = new Agent({
    ...{ ...common, connect: http2Only(connect), allowH2: true, connections: 1 },
    h2Options: { pingInterval: PING_MS },
  })
  const single = new Agent(one)
  const all = [calls, streams, single]
  let watches = streams
  return {
    call: (options) => calls.request(options),
    watch: (options) =>
      watches.request(options).catch((error: unknown) => {
        if (!isHttp1Only(error)) throw error
        watches = single
        return single.request(options)
      }),
    close: async () => void (await Promise.all(all.map((agent) => agent.close()))),
    destroy: async () => void (await Promise.all(all.map((agent) => agent.destroy()))),
  }
}

const isHttp1Only = (error: unknown): boolean => error instanceof Error && error.name === 'Http1Only'

/** Connects only where HTTP/2 is spoken at the other end; throws `Http1Only` elsewhere. */
function http2Only(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector({ ...options, allowH2: true })
  return (target, done) =>
    connect(target, (...[error, socket]) => {
      if (error) return done(error, null)
      if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') return done(null, socket)
      socket.destroy()
      done(Object.assign(new Error('the server speaks HTTP/1.1 only'), { name: 'Http1Only' }), null)
    })
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
