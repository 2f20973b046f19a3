import { expect, it } from 'vitest'
import { Waiting } from '../../lib/verdict.ts'
import { postgresVerdict } from './errors.ts'

const error = (kind: string, sqlState: string) =>
  Object.assign(new Error('said so'), { name: 'PostgresError', kind, sqlState })

it.each([
  ['Unreachable', '', 'DatabaseUnreachable', /postgres\.host and port/],
  ['AuthenticationFailed', '28P01', 'AuthenticationFailed', /into Secret db/],
  ['Refused', '08P01', 'PoolerInPath', /set postgres\.host and port to the server itself/],
  ['Refused', '53300', 'DatabaseRefused', /SQLSTATE 53300/],
])('%s %s is %s', (kind, sqlState, reason, sentence) => {
  const thrown = (): unknown => {
    try {
      return postgresVerdict('shop-db', 'db')(error(kind, sqlState))
    } catch (verdict) {
      return verdict
    }
  }
  expect(thrown()).toBeInstanceOf(Waiting)
  expect(thrown()).toMatchObject({ reason, message: expect.stringMatching(sentence) })
})
