import type { Failure } from './failures.ts'

/** Remembers how often something was started again, so that the waits grow and come to rest. */
export interface RestartBudget {
  /**
   * Whether a restart is due now; counts it. Waits 10 s, 20 s, 40 s … up to 10 minutes between them, and 10 minutes each
   * time where only a person can help.
   */
  due(key: string, heals: Failure['heals']): boolean
  /** Somebody has asked for it: the next one is due. */
  hasten(key: string): void
  /** Restarts since it last ran for ten minutes. */
  count(key: string): number
  /** It runs: after ten minutes of this the count begins anew. */
  healthy(key: string): void
  forget(key: string): void
}

const FIRST_MS = 10_000
const CAP_MS = 600_000

/** An empty budget. Bounded by the number of objects. */
export function createRestartBudget(now: () => number): RestartBudget {
  const entries = new Map<string, { count: number; lastAt: number; healthySince: number | undefined }>()
  return {
    due: (key, heals) => {
      const entry = entries.get(key) ?? { count: 0, lastAt: now(), healthySince: undefined }
      entries.set(key, entry)
      entry.healthySince = undefined
      const wait = heals === 'ByHand' ? CAP_MS : Math.min(CAP_MS, FIRST_MS * 2 ** entry.count)
      if (now() - entry.lastAt < wait) return false
      entry.count++
      entry.lastAt = now()
      return true
    },
    hasten: (key) => {
      const entry = entries.get(key)
      if (entry) entry.lastAt = Number.NEGATIVE_INFINITY
    },
    count: (key) => entries.get(key)?.count ?? 0,
    healthy: (key) => {
      const entry = entries.get(key)
      if (!entry) return
      entry.healthySince ??= now()
      if (now() - entry.healthySince >= CAP_MS) entries.delete(key)
    },
    forget: (key) => void entries.delete(key),
  }
}
