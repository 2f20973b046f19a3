import { isPostgresError } from '../../clients/postgres.ts'
import { messageOf, Waiting } from '../../lib/verdict.ts'

/** PostgreSQL takes every parameter that we begin with; PgBouncer answers some with this. */
const PROTOCOL_VIOLATION = '08P01'

/** Rethrows an error of PostgreSQL as a verdict that says what to do; `secret` names the login's Secret. */
export function postgresVerdict(host: string, secret: string): (error: unknown) => never {
  return (error) => {
    if (!isPostgresError(error)) throw error
    const detail = messageOf(error, 300)
    switch (error.kind) {
      case 'Unreachable':
        throw new Waiting(
          'DatabaseUnreachable',
          `the database at ${host} does not answer: ${detail}. Check that it runs, and postgres.host and port`,
        )
      case 'AuthenticationFailed':
        throw new Waiting(
          'AuthenticationFailed',
          `the database at ${host} refuses the login: ${detail}. Put the right username and password into Secret ${secret}`,
          15_000,
        )
      case 'Refused':
        if (error.sqlState === PROTOCOL_VIOLATION)
          throw new Waiting(
            'PoolerInPath',
            `a pooler, such as PgBouncer, answers at ${host} (${detail}): set postgres.host and port to the server itself`,
            15_000,
          )
        throw new Waiting(
          'DatabaseRefused',
          `the database at ${host} refuses: ${detail} (SQLSTATE ${error.sqlState})`,
          15_000,
        )
    }
  }
}
