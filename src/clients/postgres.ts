import { DatabaseError, Pool, type PoolConfig } from 'pg'

import { messageOf } from '../lib/verdict.ts'

/** How to reach a PostgreSQL database. */
export interface PostgresAddress {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly username: string
  readonly password: string
  readonly tls: {
    readonly mode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
    readonly ca?: string
  }
}

/** Unreachable: no connection. AuthenticationFailed: wrong login. Refused: the server's answer, with its SQLSTATE. */
export type PostgresErrorKind = 'Unreachable' | 'AuthenticationFailed' | 'Refused'

/** An error of PostgreSQL. */
export interface PostgresError extends Error {
  readonly kind: PostgresErrorKind
  /** SQLSTATE, such as 42501; empty where there was no answer. */
  readonly sqlState: string
}

/** Whether something thrown is a {@link PostgresError}, with this SQLSTATE where one is given. */
export function isPostgresError(thrown: unknown, sqlState?: string): thrown is PostgresError {
  return (
    thrown instanceof Error &&
    thrown.name === 'PostgresError' &&
    (sqlState === undefined || ('sqlState' in thrown && thrown.sqlState === sqlState))
  )
}

/** A row: column name to value; bigint and pg_lsn as text, as `pg` gives them. */
export type PostgresRow = Readonly<Record<string, unknown>>

/** Statements to one database as one role. Calls throw {@link PostgresError}. */
export interface PostgresClient {
  query(sql: string, values: readonly unknown[], signal: AbortSignal): Promise<readonly PostgresRow[]>
  /** Whether something between us and the server hands connections on, as PgBouncer does. */
  pooled(signal: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

/** SQLSTATE class 28: invalid authorization. */
const isLogin = (sqlState: string): boolean => sqlState.startsWith('28')

/** A client with at most two connections, made when first needed and closed after 30 s of rest. */
export function createPostgresClient(address: PostgresAddress): PostgresClient {
  const pool = new Pool(poolConfig(address))
  // An idle connection that breaks is made anew by the next query.
  pool.on('error', () => undefined)
  return {
    query: async (sql, values, signal) => {
      signal.throwIfAborted()
      try {
        const { rows } = await pool.query<Record<string, unknown>>(sql, [...values])
        return rows
      } catch (error) {
        throw postgresError(error)
      }
    },
    pooled: async (signal) => {
      signal.throwIfAborted()
      try {
        return await isPooled(pool)
      } catch (error) {
        throw postgresError(error)
      }
    },
    close: () => pool.end(),
  }
}

/** A pooler greets with a process number of its own, which is not that of the server's process that answers. */
async function isPooled(pool: Pool): Promise<boolean> {
  const client = await pool.connect()
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    return 'processID' in client && client.processID !== rows[0]?.pid
  } finally {
    client.release()
  }
}

function poolConfig({ host, port, database, username, password, tls }: PostgresAddress): PoolConfig {
  const verified = tls.mode === 'verify-ca' || tls.mode === 'verify-full'
  return {
    host,
    port,
    database,
    user: username,
    password,
    max: 2,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 15_000,
    query_timeout: 15_000,
    application_name: 'penstock-operator',
    // `prefer` tries without TLS: pg has no fallback, and a server that insists says so.
    ssl:
      tls.mode === 'disable' || tls.mode === 'prefer'
        ? false
        : {
            rejectUnauthorized: verified,
            ...(tls.ca ? { ca: tls.ca } : {}),
            ...(tls.mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
          },
  }
}

function postgresError(thrown: unknown): PostgresError {
  const sqlState = thrown instanceof DatabaseError ? (thrown.code ?? '') : ''
  // 57P0x: the server is starting or going down.
  const answered = sqlState !== '' && !sqlState.startsWith('57P')
  const kind: PostgresErrorKind = !answered
    ? 'Unreachable'
    : isLogin(sqlState)
      ? 'AuthenticationFailed'
      : 'Refused'
  return Object.assign(new Error(messageOf(thrown, 300)), { name: 'PostgresError', kind, sqlState })
}

/** An identifier quoted for SQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text quoted for SQL, for statements that take no parameters. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A log sequence number such as 0/16B3748 as a number of bytes. */
export function lsnToBigint(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}
