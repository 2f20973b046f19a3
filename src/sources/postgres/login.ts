import type { PostgresAddress } from '../../clients/postgres.ts'
import { hashOf } from '../../lib/json.ts'
import type { SourceContext } from '../type.ts'

/** Who we are in the database: the connector's role, and the one that makes the publication. */
export interface Login {
  readonly connector: PostgresAddress
  readonly admin: PostgresAddress
  readonly secretName: string
}

/** Reads the Source's Secrets; throws Waiting where one lacks something. */
export async function login(context: SourceContext, signal: AbortSignal): Promise<Login> {
  const spec = postgresSpec(context)
  const as = async (secretName: string): Promise<PostgresAddress> => {
    const { username = '', password = '' } = await context.secret(
      secretName,
      ['username', 'password'],
      signal,
    )
    const { mode = 'prefer', caSecretRef } = spec.tls ?? {}
    const key = caSecretRef?.key ?? 'ca.crt'
    const ca = caSecretRef ? (await context.secret(caSecretRef.name, [key], signal))[key] : undefined
    const { host, port = 5432, database } = { ...spec, ...context.reach }
    return { host, port, database, username, password, tls: { mode, ...(ca ? { ca } : {}) } }
  }
  const secretName = spec.credentialsSecretRef.name
  const connector = await as(secretName)
  const admin = spec.adminCredentialsSecretRef ? await as(spec.adminCredentialsSecretRef.name) : connector
  return { connector, admin, secretName }
}

/** What the Source says of its PostgreSQL. */
export function postgresSpec({ source }: SourceContext) {
  const { postgres } = source.spec
  if (!postgres) throw new TypeError('the CRD lets no Source of type Postgres pass without postgres')
  return postgres
}

/** Names a server, whoever asks it. */
export const serverOf = ({ host, port }: PostgresAddress): string => `${host}:${port}`

/** Names a database, and who asks it, among questions. */
export const addressOf = (as: PostgresAddress): string => `${serverOf(as)}/${as.database} ${hashOf(as)}`
