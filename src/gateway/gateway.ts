import { createServer } from 'node:http'
import type { JWTVerifyGetKey } from 'jose'

import type { KafkaAdmin, PartitionReader } from '../clients/kafka/types.ts'
import type { GatewayConfig } from '../contracts/gateway.ts'
import type { Logger } from '../lib/log.ts'
import { authenticator } from './auth.ts'
import { createHub } from './hub/hub.ts'
import { serveView } from './hub/served.ts'
import type { GatewayLimits } from './limits.ts'
import { createGatewayMetrics } from './metrics.ts'
import { policyOf } from './policy.ts'
import { figuresOf, gatewayStatus, notReady } from './status.ts'
import { adminHandler } from './transports/admin.ts'
import { closeServer, type Listen, listen } from './transports/listen.ts'
import { restHandler } from './transports/rest.ts'
import { websocketUpgrade } from './transports/ws.ts'
import { followView } from './view/follow.ts'
import { createView, type View, type ViewWriter } from './view/view.ts'

/** Everything that a gateway is made of. */
export interface GatewayParts {
  readonly config: GatewayConfig
  readonly version: string
  readonly listen: Listen
  /** For probes, metrics and the operator; not for browsers. */
  readonly statusListen: Listen
  readonly limits: GatewayLimits
  readonly admin: KafkaAdmin
  readonly createReader: () => PartitionReader
  readonly keysOf: (jwksUrl: string) => JWTVerifyGetKey
  readonly log: Logger
  readonly now: () => number
  readonly random: () => number
  /** Adds the metrics of the process; only one gateway of a process may. */
  readonly observeProcess: boolean
}

/** A gateway that is running. */
export interface RunningGateway {
  readonly port: number
  readonly statusPort: number
  readonly views: readonly View[]
  /** Sends clients elsewhere, each within `drainMs`, and ends; takes `drainMs` and 2 s at most. */
  stop(drainMs: number): Promise<void>
}

/** Starts a gateway: it serves at once, with what has been read so far. Throws when an address is taken. */
export async function startGateway(parts: GatewayParts): Promise<RunningGateway> {
  const { config, limits, log, now, random } = parts
  const stopped = new AbortController()
  const metrics = createGatewayMetrics(parts.observeProcess)
  const authenticate = authenticator(config.auth, parts.keysOf)
  const made = config.views.map((view) => {
    const policy = policyOf(view)
    if (policy.error !== undefined)
      log.error({ view: view.name, error: policy.error }, 'a view denies everything')
    const kept = policy.reads === 'all' ? 'all' : new Set([...policy.reads, ...view.index])
    const writer = createView(view, kept, limits)
    const served = serveView(writer.view, policy, {
      limits,
      metrics,
      signal: stopped.signal,
      askEnds: (of, signal) => endsOf(parts.admin, of, signal),
    })
    return { writer, served }
  })
  const views = made.map(({ writer }) => writer.view)
  const byName = new Map(made.map(({ served }) => [served.view.config.name, served]))
  const hub = createHub({ views: byName, authenticate, limits, metrics, now, random })
  metrics.watchViews(() => views.map((view) => figuresOf(view, now())))

  const { allowedOrigins } = config
  const server = createServer(restHandler({ views: byName, authenticate, allowedOrigins, metrics }))
  server.on('upgrade', websocketUpgrade(hub, allowedOrigins))
  let wasReady = false
  let stopping = false
  const readiness = (): string | undefined => {
    if (stopping) return 'the gateway is stopping'
    // Once ready it stays so: with the broker away, what was read is still worth serving.
    const reason = wasReady ? undefined : notReady(views)
    wasReady ||= reason === undefined
    return reason
  }
  const admin = createServer(
    adminHandler({
      registry: metrics.registry,
      notReady: readiness,
      status: () =>
        gatewayStatus(
          { version: parts.version, hash: config.hash, connections: hub.connections, views },
          now(),
        ),
    }),
  )
  const statusPort = await listen(admin, parts.statusListen)
  const port = await listen(server, parts.listen)
  const following = made.map(({ writer }) => follow(writer, parts, stopped.signal))

  return {
    port,
    statusPort,
    views,
    async stop(drainMs) {
      stopping = true
      await Promise.race([hub.drain(drainMs), delayed(drainMs + 500)])
      hub.stop()
      stopped.abort()
      await Promise.all([closeServer(server, 500), closeServer(admin, 500), ...following])
    },
  }
}

function follow(writer: ViewWriter, parts: GatewayParts, signal: AbortSignal): Promise<void> {
  const { admin, createReader, limits, log, now, random } = parts
  return followView(writer, { admin, createReader, limits, log, now, random }, signal)
}

async function endsOf(admin: KafkaAdmin, view: View, signal: AbortSignal): Promise<readonly number[]> {
  const partitions = [...(view.content?.progress.keys() ?? [])]
  const ends = await admin.offsets(view.config.input.topic, partitions, 'latest', signal)
  return partitions.map((partition) => Number(ends.get(partition) ?? 0n))
}

const delayed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref())
