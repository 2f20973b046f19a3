import type { ViewConfig } from '../contracts/gateway.ts'
import type { Row } from '../contracts/row.ts'
import { compileCel } from '../lib/cel.ts'
import { hashOf } from '../lib/json.ts'
import type { KeptColumns } from './view/reading.ts'

/** What a token says of who holds it. */
export type Claims = Readonly<Record<string, unknown>>

/** Who may see which rows of a view. */
export interface Policy {
  /** Open: every client. PerClient: all rows or none. PerRow: it depends on the row. */
  readonly type: 'Open' | 'PerClient' | 'PerRow'
  /** Columns that it reads. */
  readonly reads: KeptColumns
  /** Whether these claims may see this row; what throws denies, and `failed` hears why. */
  allows(claims: Claims, row: Row, failed: (message: string) => void): boolean
}

/** Claims that change with every token; policies do not see them, so that a refreshed token is the same cohort. */
const PER_TOKEN = new Set(['exp', 'iat', 'nbf', 'jti', 'auth_time', 'at_hash', 'nonce', 'sid'])

const NO_COLUMNS: ReadonlySet<string> = new Set()

/** The claims that policies see and that make a cohort. */
export function cohortClaims(claims: Claims): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !PER_TOKEN.has(name)))
}

/** Sixteen hex digits that are the same for all who may see the same. */
export function cohortHash(policy: Policy, claims: Claims): string {
  return policy.type === 'Open' ? hashOf('open') : hashOf(cohortClaims(claims))
}

/** Compiles a view's `allow`. A text that is no policy gives one that denies everything, and says why by `error`. */
export function policyOf(view: ViewConfig): Policy & { readonly error?: string } {
  if (view.allow === undefined) return { type: 'Open', reads: NO_COLUMNS, allows: () => true }
  const compiled = compileCel(view.allow, {
    place: 'allow',
    result: 'bool',
    ...(view.input.columns ? { columns: view.input.columns } : {}),
  })
  if (!compiled.ok) {
    const error = `the view's allow is refused: ${compiled.message}`
    return { type: 'PerClient', reads: NO_COLUMNS, error, allows: () => false }
  }
  const { reads, evaluate } = compiled.value
  return {
    type: reads !== 'all' && reads.size === 0 ? 'PerClient' : 'PerRow',
    reads,
    allows(claims, row, failed) {
      const outcome = evaluate({ row, claims })
      if (!outcome.ok) failed(outcome.message)
      return outcome.ok && outcome.value === true
    },
  }
}
