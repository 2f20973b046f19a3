import { GROUP, VERSION } from '../api/crd/definition.ts'
import type { AnyResource, Controller, Reference } from '../controllers/controller.ts'
import { reconcile } from '../controllers/reconcile.ts'
import type { Logger } from '../lib/log.ts'
import { type Cache, keyOf } from '../runtime/cache.ts'
import type { EventRecorder } from '../runtime/events.ts'
import { createIndex } from '../runtime/index-of.ts'
import type { KubeClient, KubeObject, ResourceType } from '../runtime/kube.ts'
import { createFailures, runLoop } from '../runtime/loop.ts'
import type { RuntimeMetrics } from '../runtime/metrics.ts'
import { createQueue, type KeyedQueue, type Urgency } from '../runtime/queue.ts'
import { reflect } from '../runtime/reflector/index.ts'
import { createStore } from '../runtime/store.ts'

const WORKERS = 32
/** Of these, how many may be at what nobody waits for: an edit finds one free, also while everything is looked at. */
const BACKGROUND_WORKERS = 8
/**
 * While something upstream waits for its look, few look here: what they find may have to be looked at again. Some do, since
 * what hangs upstream must hold up nothing else.
 */
const WAITING_WORKERS = 2

/** A kind at work, as the others see it. */
export interface RunningKind {
  readonly kind: string
  readonly queue: KeyedQueue
  /** Keys of the objects that refer to this one. */
  readonly referringTo: (target: Reference) => readonly string[]
}

/** What running a kind takes. */
export interface KindContext {
  readonly kube: KubeClient
  readonly events: EventRecorder
  readonly metrics: RuntimeMetrics
  readonly log: Logger
  readonly now: () => number
  /** Every kind that runs, this one included, by its name. */
  readonly kinds: Map<string, RunningKind>
  /** How urgent what a watch brings is: the first lists give way to whatever is changed meanwhile. */
  readonly arrival: () => Urgency
  /** Resolves when every cache is complete: before that, what an object refers to would look missing. */
  readonly allSynced: Promise<void>
  /** Resolves when it is on this process to work, with the signal that ends the work; caches are kept up to date before. */
  readonly turn: Promise<AbortSignal>
}

/**
 * Runs a kind until the signal aborts: its cache is kept up to date, and an object is reconciled when it changes, when
 * something that it refers to changes, and when its time has come. What a kind may refer to must run before it.
 * `onSynced` is called once the cache is complete.
 */
export async function runKind<O extends AnyResource>(
  context: KindContext,
  controller: Controller<O>,
  cache: Cache<O>,
  onSynced: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { kube, kinds, log, metrics, now, arrival } = context
  const { kind, plural } = controller.definition
  const type: ResourceType = { group: GROUP, version: VERSION, plural }
  const upstream = [...kinds.values()]
  const queue = createQueue(
    metrics.queueOf(kind, () => queue.depth),
    () => (upstream.some((other) => other.queue.backlog > 0) ? WAITING_WORKERS : BACKGROUND_WORKERS),
  )
  const users = createIndex(cache, (object) => controller.references(object).map(termOf))
  kinds.set(kind, { kind, queue, referringTo: (target) => users.of(termOf(target)).map(keyOf) })
  metrics.workersOf(kind, WORKERS)
  const shown = (object: O | undefined) =>
    object && `${core(object)} ${JSON.stringify(controller.shows?.(object))}`
  cache.subscribe(({ key, before, after }) => {
    if (needsLook(before, after)) queue.add(key, arrival())
    if (shown(before) === shown(after)) return
    for (const other of kinds.values())
      for (const user of other.referringTo({ kind, key })) other.queue.add(user, arrival())
  })
  const failures = createFailures()
  // What failed because the server was away need not wait out its time.
  const onRecovered = () => {
    for (const key of failures.drain()) queue.add(key, 'Background')
  }
  const store = createStore<O>({ ...context, type, kind, cache })
  const loop = async () => {
    await context.allSynced
    const working = await context.turn
    await runLoop(
      {
        name: kind,
        queue,
        workers: WORKERS,
        failures,
        reconcile: async (key, asked) => {
          const again = await reconcile({ controller, store, log, now }, key, asked)
          return again === undefined ? { type: 'Done' } : { type: 'Again', afterMs: again }
        },
        log,
        metrics,
        random: Math.random,
      },
      AbortSignal.any([signal, working]),
    )
  }
  await Promise.all([
    loop(),
    reflect({ kube, type, cache, log, onSynced, onRecovered, random: Math.random }, signal),
  ])
}

/** Puts the object that a poll's user stands for (`Kind:namespace/name`) into its queue. */
export function wakeUser(kinds: ReadonlyMap<string, RunningKind>, user: string): void {
  const at = user.indexOf(':')
  kinds.get(user.slice(0, at))?.queue.add(user.slice(at + 1))
}

const termOf = ({ kind, key }: Reference): string => `${kind} ${key}`

/** Our own status writes come back as changes; only what others change needs a look. */
function needsLook(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  return !before || !after || face(before) !== face(after) || statusFields(after) < statusFields(before)
}

const face = (object: KubeObject): string =>
  JSON.stringify([core(object), object.metadata.annotations, object.metadata.finalizers])

/** What others may go by: which object it is, its spec, and whether it goes. */
const core = ({ metadata }: KubeObject): string =>
  JSON.stringify([metadata.uid, metadata.generation, metadata.deletionTimestamp])

/** Somebody has wiped a status that has fewer fields than before. */
const statusFields = ({ status }: KubeObject): number => Object.keys((status ?? {}) as object).length
