import type { Logger } from '../../lib/log.ts'
import { backoffMs, sleep } from '../../lib/time.ts'
import { messageOf } from '../../lib/verdict.ts'
import { isKubeError, type KubeObject } from '../kube.ts'
import { type Filling, type FollowOptions, follow } from './follow.ts'

/** Short at its longest, so that a server that comes back is found soon: there is one watch a kind. */
const BACKOFF = { base: 200, cap: 10_000 } as const
/** A watch that was open for this long is no failure, however it ends: the next one is opened at once. */
const HEALTHY_MS = 2_000

/** Options of {@link reflect}. */
export interface ReflectorOptions<T extends KubeObject> extends FollowOptions<T> {
  readonly log: Logger
  /** Called once, when the cache is complete. */
  readonly onSynced: () => void
  /** Called when the server can be watched again after it could not be. */
  readonly onRecovered?: () => void
}

/**
 * Keeps a cache equal to the API server until the signal aborts: reads everything, watches with bookmarks, reads again when
 * the server has forgotten our version (410), and after any other end goes on from where it was, with growing waits.
 */
export async function reflect<T extends KubeObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { log, type, random } = options
  let version: string | undefined
  let filling: Filling = 'Watch'
  let failures = 0
  let synced = false
  while (!signal.aborted) {
    let openedAt = Number.POSITIVE_INFINITY
    let error: unknown
    try {
      for await (version of follow(options, { version, filling }, signal)) {
        if (openedAt === Number.POSITIVE_INFINITY && failures > 0) options.onRecovered?.()
        openedAt = Math.min(openedAt, Date.now())
        if (!synced) options.onSynced()
        synced = true
      }
    } catch (thrown) {
      error = thrown
    }
    if (signal.aborted) return
    if (filling === 'Watch' && version === undefined && (error === undefined || isRefusal(error))) {
      filling = 'List'
      continue
    }
    if (isKubeError(error, 410)) version = undefined
    const healthy = Date.now() - openedAt >= HEALTHY_MS
    if (healthy) failures = 0
    if (healthy && error === undefined) continue
    const asked = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0
    const waitMs = asked + backoffMs(failures++, BACKOFF.base, BACKOFF.cap, random)
    log.warn(
      { type: type.plural, waitMs: Math.round(waitMs), error: error && messageOf(error) },
      'watch ended',
    )
    await sleep(waitMs, signal)
  }
}

/** What a server says that cannot send initial events; one that does not know the word ends the watch without them. */
const isRefusal = (error: unknown): boolean => isKubeError(error, 400) || isKubeError(error, 422)
