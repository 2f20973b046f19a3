import { describe, expect, it } from 'vitest'
import { statementsIn } from './statements.ts'

describe('statements in a message', () => {
  it.each<readonly [string, readonly string[]]>([
    ['end it, with SELECT pg_terminate_backend(12)', ['SELECT pg_terminate_backend(12)']],
    ['until it ends: SELECT pg_terminate_backend(7), or wait', ['SELECT pg_terminate_backend(7)']],
    [
      'role a may not read the log: ALTER ROLE a REPLICATION; on RDS: GRANT rds_replication TO a',
      ['ALTER ROLE a REPLICATION', 'GRANT rds_replication TO a'],
    ],
    [
      'lacks public.a: ALTER PUBLICATION "p" ADD TABLE "public"."a" (if they are partitioned: ALTER PUBLICATION p SET (x))',
      ['ALTER PUBLICATION "p" ADD TABLE "public"."a"', 'ALTER PUBLICATION p SET (x))'],
    ],
    [
      'let the owner run "CREATE PUBLICATION "p" FOR TABLE "public"."a"" and set postgres.publication to External',
      ['CREATE PUBLICATION "p" FOR TABLE "public"."a"'],
    ],
    ['Delete this Source and make it again', []],
  ])('%s', (message, statements) => {
    expect(statementsIn(message)).toEqual(statements)
  })
})
