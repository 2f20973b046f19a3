import type { Row } from '../../contracts/row.ts'
import { type Claims, cohortClaims, cohortHash, type Policy } from '../policy.ts'

/** Clients that may see the same rows of a view. */
export interface Cohort {
  readonly hash: string
  readonly policy: Policy['type']
  sees(row: Row): boolean
}

/** The cohorts of one view that are in use. */
export interface Cohorts {
  /** Joins a client to its cohort; undefined when there are too many. Each join is paid back by one `leave`. */
  join(claims: Claims): Cohort | undefined
  leave(cohort: Cohort): void
}

/** Cohorts of a policy; only those that read rows are counted against `limit`. */
export function createCohorts(policy: Policy, limit: number, failed: (message: string) => void): Cohorts {
  const members = new Map<string, { readonly cohort: Cohort; count: number }>()

  return {
    join(claims) {
      const hash = cohortHash(policy, claims)
      const known = members.get(hash)
      if (!known && policy.type === 'PerRow' && members.size >= limit) return undefined
      const entry = known ?? { cohort: cohortOf(hash, policy, cohortClaims(claims), failed), count: 0 }
      entry.count += 1
      members.set(hash, entry)
      return entry.cohort
    },
    leave({ hash }) {
      const entry = members.get(hash)
      if (!entry) return
      entry.count -= 1
      if (entry.count === 0) members.delete(hash)
    },
  }
}

/** Remembers the last two rows: a change is asked about once for each subscription, its old row likewise. */
function cohortOf(hash: string, policy: Policy, claims: Claims, failed: (message: string) => void): Cohort {
  const base = { hash, policy: policy.type }
  if (policy.type === 'Open') return { ...base, sees: () => true }
  if (policy.type === 'PerClient') {
    const seen = policy.allows(claims, {}, failed)
    return { ...base, sees: () => seen }
  }
  const recent: { row: Row; seen: boolean }[] = []
  return {
    ...base,
    sees(row) {
      const known = recent.find((verdict) => verdict.row === row)
      if (known) return known.seen
      const seen = policy.allows(claims, row, failed)
      recent.unshift({ row, seen })
      recent.length = Math.min(recent.length, 2)
      return seen
    },
  }
}
