import { type Cache, createCache, keyOf, trim } from '../cache.ts'
import type { KubeClient, KubeObject, ResourceType } from '../kube.ts'
import { openWatch, type WatchEvent } from './watch.ts'

const PAGE = '500'

/** How a cache is filled: by the watch itself (WatchList, Kubernetes 1.32 and later), or by a list in pages. */
export type Filling = 'Watch' | 'List'

/** Options of {@link follow}. */
export interface FollowOptions<T extends KubeObject> {
  readonly kube: KubeClient
  readonly type: ResourceType
  readonly cache: Cache<T>
  /** Only objects with these labels. */
  readonly labelSelector?: string
  readonly random: () => number
  /** What of an object is kept in the cache; by default, all that {@link trim} leaves. */
  readonly keep?: (object: KubeObject) => T
}

/**
 * Keeps a cache equal to the API server from a version on, or from nothing, until the server ends the watch. Yields the
 * version that the cache has reached, for the first time when it is complete and the watch is open.
 *
 * What the server holds at first is collected beside the cache and takes its place at once, so that an object deleted
 * meanwhile goes and no half of it is ever seen; an object that the cache has already is not kept twice.
 */
export async function* follow<T extends KubeObject>(
  options: FollowOptions<T>,
  from: { readonly version: string | undefined; readonly filling: Filling },
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { kube, type, cache, random } = options
  const version = from.version ?? (from.filling === 'List' ? await fillByList(options, signal) : undefined)
  const query = {
    ...selectionOf(options),
    // Spread, so that a server's watches do not all end at once.
    timeoutSeconds: String(Math.floor(300 + random() * 300)),
    ...(version === undefined
      ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
      : { resourceVersion: version }),
  }
  const events = await openWatch(kube, type, query, signal)
  if (version !== undefined) yield version
  let target = version === undefined ? createCache<T>() : cache
  for await (const event of events) {
    take(target, event, options)
    if (target !== cache && endsInitialEvents(event)) {
      cache.replace([...target.list()])
      target = cache
    }
    if (target === cache) yield event.object.metadata.resourceVersion ?? ''
  }
}

const selectionOf = ({ labelSelector }: Pick<FollowOptions<KubeObject>, 'labelSelector'>) =>
  labelSelector === undefined ? {} : { labelSelector }

async function fillByList<T extends KubeObject>(
  options: FollowOptions<T>,
  signal: AbortSignal,
): Promise<string> {
  const { kube, type, cache } = options
  const objects: T[] = []
  let next: string | undefined
  for (;;) {
    const place = next ? { continue: next } : {}
    const page = await kube.list(type, { ...selectionOf(options), limit: PAGE, ...place }, signal)
    objects.push(...page.items.map((item) => kept(item, options)))
    if (!page.next) {
      cache.replace(objects)
      return page.resourceVersion
    }
    next = page.next
  }
}

function take<T extends KubeObject>(
  target: Cache<T>,
  { type, object }: WatchEvent,
  options: FollowOptions<T>,
): void {
  if (type === 'BOOKMARK') return
  if (type === 'DELETED') target.delete(keyOf(object))
  else target.set(kept(object, options))
}

/** The cache's own object where it is the same: a second copy exists only of what has changed. */
function kept<T extends KubeObject>(object: KubeObject, { cache, keep }: FollowOptions<T>): T {
  const before = cache.get(keyOf(object))
  if (before && before.metadata.resourceVersion === object.metadata.resourceVersion) return before
  return keep ? keep(object) : (trim(object) as T)
}

/** The server's mark on the bookmark after the last of the initial events. */
const endsInitialEvents = ({ type, object }: WatchEvent): boolean =>
  type === 'BOOKMARK' && object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true'
