import type { Logger } from '../lib/log.ts'
import { backoffMs, withTimeout } from '../lib/time.ts'
import { messageOf } from '../lib/verdict.ts'
import type { ObjectKey } from './cache.ts'
import type { LoopMetrics } from './metrics.ts'
import type { KeyedQueue } from './queue.ts'

const RECONCILE_LIMIT_MS = 60_000
const BACKOFF = { base: 500, cap: 300_000 } as const

/** What a reconcile asks for: to be called again after some time, or only when something changes. */
export type Outcome = { readonly type: 'Done' } | { readonly type: 'Again'; readonly afterMs: number }

/** Options of {@link runLoop}. */
export interface LoopOptions {
  readonly name: string
  readonly queue: KeyedQueue
  readonly workers: number
  readonly reconcile: (key: ObjectKey, signal: AbortSignal) => Promise<Outcome>
  readonly log: Logger
  readonly metrics: LoopMetrics
  readonly random: () => number
}

/**
 * Takes keys from the queue and reconciles them until the signal aborts. One that throws or takes over a minute is
 * tried again with growing waits, up to five minutes, and disturbs no other.
 */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const failures = new Map<ObjectKey, number>()
  if (signal.aborted) options.queue.close()
  signal.addEventListener('abort', () => options.queue.close(), { once: true })
  await Promise.all(Array.from({ length: options.workers }, () => work(options, failures, signal)))
}

async function work(
  options: LoopOptions,
  failures: Map<ObjectKey, number>,
  signal: AbortSignal,
): Promise<void> {
  const { queue, reconcile, metrics, log, name, random } = options
  for (;;) {
    const key = await queue.take()
    if (key === undefined) return
    const startedAt = performance.now()
    try {
      const outcome = await reconcile(key, withTimeout(signal, RECONCILE_LIMIT_MS))
      failures.delete(key)
      metrics.reconciled(name, outcome.type === 'Done' ? 'success' : 'requeue_after', startedAt)
      if (outcome.type === 'Again') queue.addAfter(key, outcome.afterMs)
    } catch (error) {
      const attempt = failures.get(key) ?? 0
      failures.set(key, attempt + 1)
      metrics.reconciled(name, 'error', startedAt)
      if (!signal.aborted) log.error({ controller: name, key, error: messageOf(error) }, 'reconcile failed')
      queue.addAfter(key, backoffMs(attempt, BACKOFF.base, BACKOFF.cap, random))
    } finally {
      queue.done(key)
    }
  }
}
