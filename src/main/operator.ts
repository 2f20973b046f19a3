import { hostname } from 'node:os'

import type { Backbone } from '../api/backbone.ts'
import { GROUP, VERSION } from '../api/crd/definition.ts'
import type { Pipeline } from '../api/pipeline.ts'
import type { Source } from '../api/source/index.ts'
import { createClientPool } from '../clients/pool.ts'
import { backboneController } from '../controllers/backbone.ts'
import type { AnyResource, Controller } from '../controllers/controller.ts'
import { pipelineController } from '../controllers/pipeline/index.ts'
import type { Image } from '../controllers/pipeline/manifests.ts'
import type { PipelineServices } from '../controllers/pipeline/open.ts'
import { reconcile } from '../controllers/reconcile.ts'
import { sourceController } from '../controllers/source/index.ts'
import { createDetached } from '../external/detached.ts'
import { askPod } from '../external/pod.ts'
import { createSharedPolls } from '../external/polls.ts'
import { createRestartBudget } from '../external/restarts.ts'
import { createBoard } from '../lag/board.ts'
import type { Logger } from '../lib/log.ts'
import { type Cache, createCache, keyOf } from '../runtime/cache.ts'
import { createTransport } from '../runtime/credentials.ts'
import { createEventRecorder } from '../runtime/events.ts'
import { createKubeClient, type KubeClient, type KubeObject, type ResourceType } from '../runtime/kube.ts'
import { runLoop } from '../runtime/loop.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { createQueue, type KeyedQueue } from '../runtime/queue.ts'
import { reflect } from '../runtime/reflector.ts'
import { serveHealth } from '../runtime/server.ts'
import { createStore } from '../runtime/store.ts'
import { SOURCE_TYPES } from '../sources/index.ts'

const WORKERS = 16
const SECRETS: ResourceType = { group: '', version: 'v1', plural: 'secrets' }
const NAMESPACES: ResourceType = { group: '', version: 'v1', plural: 'namespaces' }

/** What the operator is told. */
export interface OperatorOptions {
  /** Where /healthz, /readyz and /metrics are served. */
  readonly listen: { readonly host: string; readonly port: number }
  /** Prefix of our marks outside; by default the uid of namespace kube-system. */
  readonly installation?: string
  /** What processors and gateways run. */
  readonly image: Image
  readonly log: Logger
}

/** Runs the operator until the signal aborts. */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { log } = options
  const now = Date.now
  const transport = createTransport(now)
  const kube = createKubeClient(transport)
  const metrics = createMetrics()
  const events = createEventRecorder(kube, hostname(), () => new Date())
  const kinds = new Map<string, Running>()
  const wake = (user: string) => wakeUser(kinds, user)
  const pool = createClientPool(2_000)
  const caches = {
    Backbone: createCache<Backbone>(),
    Source: createCache<Source>(),
    Pipeline: createCache<Pipeline>(),
  }
  const services: PipelineServices = {
    installation: options.installation ?? (await installationOf(kube, signal)),
    backbone: (key) => caches.Backbone.get(key),
    readSecret: (namespace, name, asked) => readSecret(kube, namespace, name, asked),
    pool,
    polls: createSharedPolls({ wake, now }, signal),
    detached: createDetached((key) => log.info({ key }, 'a long write has ended'), signal),
    board: createBoard(now),
    now,
    types: SOURCE_TYPES,
    sources: () => caches.Source.list(),
    source: (key) => caches.Source.get(key),
    kube,
    image: options.image,
    askPod,
    restarts: createRestartBudget(now),
  }
  const users = (key: string): readonly string[] =>
    [...kinds.values()].flatMap((kind) =>
      kind.referringTo({ kind: 'Backbone', key }).map((user) => `${kind.kind} ${user}`),
    )

  const start = <O extends AnyResource>(controller: Controller<O>, cache: Cache<O>): void => {
    const { kind, plural } = controller.definition
    const queue = createQueue()
    kinds.set(kind, running(controller, cache, queue))
    metrics.watchQueue(kind, () => queue.depth)
    const store = createStore<O>({ kube, type: typeOf(plural), kind, cache, events, metrics })
    cache.subscribe(({ key, before, after }) => {
      if (needsLook(before, after)) queue.add(key)
      for (const other of kinds.values()) {
        for (const user of other.referringTo({ kind, key })) other.queue.add(user)
      }
    })
    const context = { controller, store, log, now }
    void runLoop(
      {
        name: kind,
        queue,
        workers: WORKERS,
        reconcile: async (key, asked) => {
          const again = await reconcile(context, key, asked)
          return again === undefined ? { type: 'Done' } : { type: 'Again', afterMs: again }
        },
        log,
        metrics,
        random: Math.random,
      },
      signal,
    )
  }
  start(backboneController(services, users), caches.Backbone)
  start(sourceController(services), caches.Source)
  start(pipelineController(services), caches.Pipeline)

  const unsynced = new Set(Object.keys(caches))
  const port = await serveHealth(
    {
      listen: options.listen,
      registry: metrics.registry,
      notReady: () => (unsynced.size > 0 ? `still reading ${[...unsynced].join(', ')}` : undefined),
    },
    signal,
  )
  log.info({ port }, 'operator started')
  await Promise.all(
    Object.entries(caches).map(([kind, cache]) =>
      reflect(
        {
          kube,
          type: typeOf(`${kind.toLowerCase()}s`),
          cache: cache as Cache<KubeObject>,
          log,
          onSynced: () => void unsynced.delete(kind),
          random: Math.random,
        },
        signal,
      ),
    ),
  )
  await Promise.allSettled([pool.close(), transport.close()])
}

/** A kind at work, as the others see it. */
interface Running {
  readonly kind: string
  readonly queue: KeyedQueue
  readonly referringTo: (target: { readonly kind: string; readonly key: string }) => readonly string[]
}

function running<O extends AnyResource>(
  controller: Controller<O>,
  cache: Cache<O>,
  queue: KeyedQueue,
): Running {
  return {
    kind: controller.definition.kind,
    queue,
    referringTo: (target) =>
      [...cache.list()]
        .filter((object) =>
          controller.references(object).some(({ kind, key }) => kind === target.kind && key === target.key),
        )
        .map(keyOf),
  }
}

const typeOf = (plural: string): ResourceType => ({ group: GROUP, version: VERSION, plural })

/** Our own status writes come back as changes; only what others change needs a look. */
function needsLook(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  if (!before || !after) return true
  const face = ({ metadata }: KubeObject) =>
    JSON.stringify([
      metadata['uid'],
      metadata['generation'],
      metadata['deletionTimestamp'],
      metadata['annotations'],
      metadata['finalizers'],
    ])
  return face(before) !== face(after) || isStatusWiped(before, after)
}

const isStatusWiped = (before: KubeObject, after: KubeObject): boolean => {
  const conditions = (object: KubeObject) => Object.keys((object.status ?? {}) as object).length
  return conditions(after) < conditions(before)
}

function wakeUser(kinds: ReadonlyMap<string, Running>, user: string): void {
  const at = user.indexOf(':')
  kinds.get(user.slice(0, at))?.queue.add(user.slice(at + 1))
}

async function installationOf(kube: KubeClient, signal: AbortSignal): Promise<string> {
  const namespace = await kube.get(NAMESPACES, undefined, 'kube-system', signal)
  if (!namespace?.metadata.uid) throw new Error('namespace kube-system cannot be read: set --installation')
  return namespace.metadata.uid.slice(0, 8)
}

async function readSecret(
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
