import type { Logger } from '../lib/log.ts'
import { backoffMs, sleep, within } from '../lib/time.ts'
import { messageOf } from '../lib/verdict.ts'
import type { ObjectKey } from './cache.ts'
import type { LoopMetrics } from './metrics.ts'
import type { KeyedQueue } from './queue.ts'

const RECONCILE_LIMIT_MS = 60_000
/** One that is still there so long after its limit keeps its key, and no longer a worker. */
const ABANDON_MS = RECONCILE_LIMIT_MS + 5_000
/** As controller-runtime's: 5 ms, doubling to 16 minutes. */
const BACKOFF = { base: 5, cap: 960_000 } as const
/** What is to come again after so long is a resync: it gives way to changes, and is spread by a tenth. */
const RESYNC_FROM_MS = 60_000

/** What a reconcile asks for: to be called again after some time, or only when something changes. */
export type Outcome = { readonly type: 'Done' } | { readonly type: 'Again'; readonly afterMs: number }

/** Keys whose latest reconcile failed, and how often it has in a row. Bounded by the number of objects. */
export interface Failures {
  /** One more; returns how many there were before. */
  add(key: ObjectKey): number
  delete(key: ObjectKey): void
  /** Forgets them all, and returns the keys: what they failed for may be over. */
  drain(): readonly ObjectKey[]
}

/** No failures. */
export function createFailures(): Failures {
  const counts = new Map<ObjectKey, number>()
  return {
    add: (key) => {
      const before = counts.get(key) ?? 0
      counts.set(key, before + 1)
      return before
    },
    delete: (key) => void counts.delete(key),
    drain: () => {
      const keys = [...counts.keys()]
      counts.clear()
      return keys
    },
  }
}

/** Options of {@link runLoop}. */
export interface LoopOptions {
  readonly name: string
  readonly queue: KeyedQueue
  readonly workers: number
  readonly failures: Failures
  readonly reconcile: (key: ObjectKey, signal: AbortSignal) => Promise<Outcome>
  readonly log: Logger
  readonly metrics: LoopMetrics
  readonly random: () => number
}

/**
 * Takes keys from the queue and reconciles them until the signal aborts. One that throws or takes over a minute is
 * tried again with growing waits, from 5 ms to 16 minutes, and disturbs no other.
 */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  if (signal.aborted) options.queue.close()
  signal.addEventListener('abort', () => options.queue.close(), { once: true })
  await Promise.all(Array.from({ length: options.workers }, () => work(options, signal)))
}

async function work(options: LoopOptions, signal: AbortSignal): Promise<void> {
  for (;;) {
    const key = await options.queue.take()
    if (key === undefined) return
    const ended = new AbortController()
    const attempt = attemptOne(options, key, signal).finally(() => ended.abort())
    await Promise.race([attempt, sleep(ABANDON_MS, ended.signal)])
    if (ended.signal.aborted) continue
    // It has not heeded its signal. The key stays taken until it does, and nobody else waits for that.
    options.queue.abandon(key)
    options.log.error({ controller: options.name, key }, 'a reconcile does not end: it is left to itself')
  }
}

async function attemptOne(
  { queue, failures, reconcile, metrics, log, name, random }: LoopOptions,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = performance.now()
  metrics.began(name, key)
  try {
    const outcome = await within(RECONCILE_LIMIT_MS, signal, (limited) => reconcile(key, limited))
    failures.delete(key)
    metrics.reconciled(name, key, outcome.type === 'Done' ? 'success' : 'requeue_after', startedAt)
    if (outcome.type === 'Again') lookAgain(queue, key, outcome.afterMs, random)
  } catch (error) {
    metrics.reconciled(name, key, 'error', startedAt)
    if (!signal.aborted) log.error({ controller: name, key, error: messageOf(error) }, 'reconcile failed')
    metrics.retried(name)
    queue.addAfter(key, backoffMs(failures.add(key), BACKOFF.base, BACKOFF.cap, random))
  } finally {
    queue.done(key)
  }
}

function lookAgain(queue: KeyedQueue, key: ObjectKey, afterMs: number, random: () => number): void {
  if (afterMs < RESYNC_FROM_MS) queue.addAfter(key, afterMs)
  else queue.addAfter(key, afterMs * (0.9 + 0.2 * random()), 'Background')
}
