import { LRUCache } from 'lru-cache'

/** Where something that only grows, such as the end of a log, was at times of the last two minutes. */
export interface Trail {
  note(value: bigint): void
  /** The latest time, in milliseconds since 1970, at which it was known not to be beyond `value`; undefined when that is longer ago. */
  reachedAt(value: bigint): number | undefined
}

const WINDOW_MS = 120_000
/** Samples closer together than this count as one. */
const SAMPLE_EVERY_MS = 1_000

/** An empty trail. */
export function createTrail(now: () => number): Trail {
  const points: { readonly at: number; readonly value: bigint }[] = []
  return {
    note: (value) => {
      const at = now()
      if (at - (points.at(-1)?.at ?? Number.NEGATIVE_INFINITY) < SAMPLE_EVERY_MS) return
      points.push({ at, value })
      while ((points[0]?.at ?? at) < at - WINDOW_MS) points.shift()
    },
    reachedAt: (value) => points.findLast((point) => point.value <= value)?.at,
  }
}

/** As many servers as there may be Sources with one of their own. */
const MOST_TRAILS = 10_000

/** Trails by name; of more, those that were asked for last are kept, and one that was not begins anew. */
export function createTrails(now: () => number): (name: string) => Trail {
  const trails = new LRUCache<string, Trail>({ max: MOST_TRAILS })
  return (name) => {
    const trail = trails.get(name) ?? createTrail(now)
    trails.set(name, trail)
    return trail
  }
}
