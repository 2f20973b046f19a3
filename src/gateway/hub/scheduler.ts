import type { Flushed } from './flush.ts'

/** Decides when connections are flushed: at once when all is quiet, else at most once a tick. */
export interface Scheduler<C> {
  wake(connection: C): void
  forget(connection: C): void
  stop(): void
}

/** Longest tick, however long a flush takes. */
const MAX_TICK_MS = 200

/**
 * A flush that takes longer than a tick stretches the next tick to as long, so that at most half of the time goes into
 * writing and conflation does the rest.
 */
export function createScheduler<C>(options: {
  readonly tickMs: number
  readonly flush: (connection: C, now: number) => Flushed
  readonly now: () => number
}): Scheduler<C> {
  const awake = new Set<C>()
  const later = new Map<C, number>()
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  let dueAt = Number.POSITIVE_INFINITY
  let lastEnd = 0
  let tick = options.tickMs
  let stopped = false

  function schedule(at: number): void {
    if (stopped || immediate || at >= dueAt) return
    clearTimeout(timer)
    timer = undefined
    dueAt = at
    const wait = at - performance.now()
    if (wait <= 0.5) immediate = setImmediate(run)
    else timer = setTimeout(run, wait)
  }

  function run(): void {
    timer = undefined
    immediate = undefined
    dueAt = Number.POSITIVE_INFINITY
    const start = performance.now()
    const now = options.now()
    for (const [connection, at] of later) {
      if (at > now) continue
      later.delete(connection)
      awake.add(connection)
    }
    for (const connection of [...awake]) {
      const flushed = options.flush(connection, now)
      if (flushed.type === 'More') continue
      awake.delete(connection)
      if (flushed.type === 'NotBefore') later.set(connection, flushed.at)
    }
    lastEnd = performance.now()
    tick = Math.min(MAX_TICK_MS, Math.max(options.tickMs, lastEnd - start))
    if (awake.size > 0) schedule(lastEnd)
    else if (later.size > 0) schedule(lastEnd + Math.max(1, Math.min(...later.values()) - now))
  }

  return {
    wake(connection) {
      awake.add(connection)
      schedule(lastEnd + tick)
    },
    forget(connection) {
      awake.delete(connection)
      later.delete(connection)
    },
    stop() {
      stopped = true
      clearTimeout(timer)
      clearImmediate(immediate)
    },
  }
}
