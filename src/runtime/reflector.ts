import { createInterface } from 'node:readline'

import type { Logger } from '../lib/log.ts'
import { backoffMs, sleep } from '../lib/time.ts'
import { messageOf } from '../lib/verdict.ts'
import { type Cache, keyOf, trim } from './cache.ts'
import { isKubeError, type KubeClient, type KubeObject, type ResourceType } from './kube.ts'

const PAGE = '500'
/**
 * A watch that says nothing for this long is opened anew from where it was. Bookmarks come once a
 * minute, which is too late to notice within one; a quiet watch is therefore opened anew each time, which costs little.
 */
const SILENCE_MS = 50_000
const BACKOFF = { base: 200, cap: 30_000, healthyAfterMs: 60_000 } as const

/** Options of {@link reflect}. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly kube: KubeClient
  readonly type: ResourceType
  readonly cache: Cache<T>
  readonly log: Logger
  /** Only objects with these labels. */
  readonly labelSelector?: string
  /** Called once, when the first list is in the cache. */
  readonly onSynced: () => void
  readonly random: () => number
}

/**
 * Keeps a cache equal to the API server: list, watch with bookmarks, list again when the server has forgotten our
 * version (410), and start over with growing waits after any other error, for ever, until the signal aborts.
 */
export async function reflect<T extends KubeObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { log, type, random } = options
  let version: string | undefined
  let failures = 0
  let synced = false
  while (!signal.aborted) {
    const startedAt = Date.now()
    try {
      if (version === undefined) {
        version = await listAll(options, signal)
        if (!synced) options.onSynced()
        synced = true
      }
      version = await watchFrom(options, version, signal)
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      if (isKubeError(error, 410)) {
        version = undefined
        continue
      }
      if (Date.now() - startedAt > BACKOFF.healthyAfterMs) failures = 0
      const retryAfterMs = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0
      const waitMs = Math.max(retryAfterMs, backoffMs(failures++, BACKOFF.base, BACKOFF.cap, random))
      log.warn({ type: type.plural, waitMs: Math.round(waitMs), error: messageOf(error) }, 'watch ended')
      await sleep(waitMs, signal)
    }
  }
}

async function listAll<T extends KubeObject>(
  { kube, type, cache, labelSelector }: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<string> {
  const selected = labelSelector === undefined ? {} : { labelSelector }
  const objects: T[] = []
  let next: string | undefined
  for (;;) {
    const page = await kube.list(
      type,
      { ...selected, limit: PAGE, ...(next ? { continue: next } : {}) },
      signal,
    )
    objects.push(...page.items.map((item) => trim(item) as T))
    if (!page.next) {
      cache.replace(objects)
      return page.resourceVersion
    }
    next = page.next
  }
}

/** Watches until the server ends the watch; returns the version to go on from. */
async function watchFrom<T extends KubeObject>(
  { kube, type, cache, random, labelSelector }: ReflectorOptions<T>,
  from: string,
  signal: AbortSignal,
): Promise<string> {
  const silence = new AbortController()
  const query = {
    ...(labelSelector === undefined ? {} : { labelSelector }),
    resourceVersion: from,
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(Math.floor(300 + random() * 300)),
  }
  const body = await kube.watch(type, query, AbortSignal.any([signal, silence.signal]))
  const alarm = setTimeout(() => silence.abort(new Error('silent')), SILENCE_MS)
  // Without a listener, an abort between two reads would be an unhandled error event.
  body.on('error', () => undefined)
  let version = from
  try {
    for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
      alarm.refresh()
      version = take(cache, JSON.parse(line) as WatchEvent) ?? version
    }
    return version
  } catch (error) {
    if (silence.signal.aborted && !signal.aborted) return version
    throw error
  } finally {
    clearTimeout(alarm)
    body.destroy()
  }
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: KubeObject & {
    readonly code?: number
    readonly message?: string
    readonly reason?: string
  }
}

function take<T extends KubeObject>(cache: Cache<T>, { type, object }: WatchEvent): string | undefined {
  if (type === 'ERROR') {
    throw Object.assign(new Error(object.message ?? 'watch error'), {
      name: 'KubeError',
      status: object.code ?? 500,
      reason: object.reason ?? '',
    })
  }
  if (type === 'DELETED') cache.delete(keyOf(object))
  else if (type !== 'BOOKMARK') cache.set(trim(object) as T)
  return object.metadata.resourceVersion
}
