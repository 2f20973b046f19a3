import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

import type { Backbone } from '../api/backbone.ts'
import type { Pipeline } from '../api/pipeline.ts'
import type { Source } from '../api/source/index.ts'
import { type ClientPool, createClientPool } from '../clients/pool.ts'
import { backboneController } from '../controllers/backbone.ts'
import { pipelineController } from '../controllers/pipeline/index.ts'
import type { Image } from '../controllers/pipeline/manifests.ts'
import type { PipelineServices } from '../controllers/pipeline/open.ts'
import { sourceController } from '../controllers/source/index.ts'
import { claimsOf } from '../controllers/source/open.ts'
import { createDetached } from '../external/detached.ts'
import { type AskPod, askPod } from '../external/pod.ts'
import { createSharedPolls } from '../external/polls.ts'
import { createRestartBudget } from '../external/restarts.ts'
import { createBoard } from '../lag/board.ts'
import { createTrails } from '../lag/trail.ts'
import type { Logger } from '../lib/log.ts'
import { createCache } from '../runtime/cache.ts'
import { createTransport } from '../runtime/credentials.ts'
import { createEventRecorder } from '../runtime/events.ts'
import { createIndex } from '../runtime/index-of.ts'
import { createKubeClient, type KubeClient } from '../runtime/kube.ts'
import { lead } from '../runtime/leader.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { countRequests } from '../runtime/requests.ts'
import { serveHealth } from '../runtime/server.ts'
import { SOURCE_TYPES } from '../sources/index.ts'
import { CHILDREN, createChildren } from './children.ts'
import { installationOf, readSecret } from './cluster.ts'
import { createKeeper } from './keeper.ts'
import { type KindContext, type RunningKind, runKind, wakeUser } from './kinds.ts'
import { objectMetrics } from './metrics.ts'

/** What the operator is told. */
export interface OperatorOptions {
  /** Where /healthz, /readyz and /metrics are served. */
  readonly listen: { readonly host: string; readonly port: number }
  /** Prefix of our marks outside; by default the uid of namespace kube-system. */
  readonly installation?: string
  /** What processors and gateways run. */
  readonly image: Image
  readonly log: Logger
  /**
   * Namespace of the operator itself: of the Lease that decides which of several works, and of what the cleanup of objects
   * needs. Absent, this one works at once, and what goes before an object is missing when that is cleaned up.
   */
  readonly namespace?: string
  /** Clients of outer systems; by default real ones. */
  readonly pool?: ClientPool
  /** Asks pods for their status; by default over HTTP. */
  readonly askPod?: AskPod
}

/** How long connections may take to close: whoever lost the Lease must be gone before another begins. */
const CLOSE_LIMIT_MS = 500
/** Two logins to a database for each of ten thousand Sources: where clients have to make room, each poll connects anew. */
const MOST_CLIENTS = 20_000

/** Runs the operator until the signal aborts; throws when another has taken its place, or its work does not end. */
export async function runOperator(options: OperatorOptions, stopped: AbortSignal): Promise<void> {
  const { log } = options
  const over = new AbortController()
  const signal = AbortSignal.any([stopped, over.signal])
  const turn = Promise.withResolvers<AbortSignal>()
  signal.addEventListener('abort', () => turn.resolve(signal), { once: true })
  const now = Date.now
  const transport = createTransport(now)
  const metrics = createMetrics()
  const kube = createKubeClient(countRequests(transport, transport.host, metrics.registry))
  const events = createEventRecorder(kube, hostname(), () => new Date())
  const kinds = new Map<string, RunningKind>()
  const wake = (user: string) => wakeUser(kinds, user)
  const caches = {
    Backbone: createCache<Backbone>(),
    Source: createCache<Source>(),
    Pipeline: createCache<Pipeline>(),
  }
  const unsynced = new Set([...Object.keys(caches), ...CHILDREN])
  const arrival = () => (unsynced.size > 0 ? 'Background' : 'Fresh')
  const allSynced = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => allSynced.resolve(), { once: true })
  const context: KindContext = {
    ...{ kube, events, metrics, log, now, kinds, arrival },
    allSynced: allSynced.promise,
    turn: turn.promise,
  }
  const pool = options.pool ?? createClientPool(MOST_CLIENTS)
  const onChild = (pipeline: string) => kinds.get('Pipeline')?.queue.add(pipeline, arrival())
  const children = createChildren({ kube, log, wake: onChild })
  const claims = createIndex(caches.Source, (source) => claimsOf(SOURCE_TYPES, source))
  const services: PipelineServices = {
    installation: options.installation ?? (await knownInstallation(kube, signal)),
    backbone: (key) => caches.Backbone.get(key),
    readSecret: (namespace, name, asked) => readSecret(kube, namespace, name, asked),
    ...(options.namespace === undefined ? {} : { keeper: createKeeper(kube, options.namespace) }),
    pool,
    polls: createSharedPolls({ wake, now }, signal),
    detached: createDetached((key) => log.info({ key }, 'a long write has ended'), signal),
    board: createBoard(now),
    trail: createTrails(now),
    now,
    types: SOURCE_TYPES,
    claiming: (claim) => claims.of(claim),
    source: (key) => caches.Source.get(key),
    pipeline: (key) => caches.Pipeline.get(key),
    kube: children.objects,
    image: options.image,
    askPod: options.askPod ?? askPod,
    restarts: createRestartBudget(now),
  }
  const users = (key: string): readonly string[] =>
    [...kinds.values()].flatMap((kind) =>
      kind.referringTo({ kind: 'Backbone', key }).map((user) => `${kind.kind} ${user}`),
    )

  const objects = function* () {
    for (const [kind, cache] of Object.entries(caches))
      for (const object of cache.list()) yield { kind, object }
  }
  const port = await serveHealth(
    {
      listen: options.listen,
      metrics: async () => (await metrics.registry.metrics()) + objectMetrics(services.board, objects()),
      notReady: () => (unsynced.size > 0 ? `still reading ${[...unsynced].join(', ')}` : undefined),
    },
    signal,
  )
  log.info({ port }, 'operator started')
  if (options.namespace === undefined)
    log.warn('no --namespace: where a Backbone or a Secret goes before a Source, its cleanup waits for them')
  const onSynced = (kind: string) => {
    unsynced.delete(kind)
    if (unsynced.size === 0) allSynced.resolve()
  }
  const synced = (kind: string) => () => onSynced(kind)
  const running = Promise.all([
    children.run(onSynced, signal),
    runKind(context, backboneController(services, users), caches.Backbone, synced('Backbone'), signal),
    runKind(context, sourceController(services), caches.Source, synced('Source'), signal),
    runKind(context, pipelineController(services), caches.Pipeline, synced('Pipeline'), signal),
  ])
  const work = async (working: AbortSignal) => {
    // With the Lease lost, everything ends: reconciles, long writes and questions.
    working.addEventListener('abort', () => over.abort(working.reason), { once: true })
    turn.resolve(working)
    await running
  }
  try {
    await Promise.all([running, takeTurns(options, kube, work, stopped)])
  } finally {
    over.abort()
    const closed = Promise.allSettled([pool.close(), transport.close()])
    await Promise.race([closed, delay(CLOSE_LIMIT_MS, undefined, { ref: false })])
  }
}

function takeTurns(
  { namespace, log }: OperatorOptions,
  kube: KubeClient,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (namespace === undefined) return work(signal)
  const options = {
    ...{ kube, log, namespace, name: 'penstock-operator' },
    identity: `${hostname()}_${randomUUID().slice(0, 8)}`,
    now: () => new Date(),
    monotonic: () => performance.now(),
    random: Math.random,
  }
  return lead(options, work, signal)
}

async function knownInstallation(kube: KubeClient, signal: AbortSignal): Promise<string> {
  const installation = await installationOf(kube, signal)
  if (!installation) throw new Error('namespace kube-system cannot be read: set --installation')
  return installation
}
