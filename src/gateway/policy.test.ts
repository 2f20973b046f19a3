import { describe, expect, it } from 'vitest'

import { cohortHash, policyOf } from './policy.ts'
import { testView } from './testing/gateway.ts'

const RED = { team: 'red', admin: true }

describe('a policy', () => {
  it.each([
    ['none: all see all', undefined, 'Open', true],
    ['by claims: all rows', 'claims.admin', 'PerClient', true],
    ['by claims: no row', 'claims.team == "blue"', 'PerClient', false],
    ['by row: one that fits', 'row.team == claims.team', 'PerRow', true],
    ['by row: one that does not', 'row.team != claims.team', 'PerRow', false],
    ['one that throws denies', 'row.nothing.at.all == claims.team', 'PerRow', false],
    ['one that is no expression denies', 'row.team ==', 'PerClient', false],
  ])('%s', (_name, allow, type, seen) => {
    const policy = policyOf(testView(allow === undefined ? {} : { allow }))
    expect(policy.type).toBe(type)
    expect(policy.allows(RED, { team: 'red' }, () => undefined)).toBe(seen)
  })

  it('makes the same cohort of a refreshed token, and another of other claims', () => {
    const policy = policyOf(testView({ allow: 'row.team == claims.team' }))
    const hash = cohortHash(policy, { ...RED, exp: 1 })
    expect(cohortHash(policy, { ...RED, exp: 2, jti: 'x' })).toBe(hash)
    expect(cohortHash(policy, { ...RED, team: 'blue' })).not.toBe(hash)
  })
})
