import { databaseObjectName } from '../../api/names.ts'
import { createPostgresClient, type PostgresAddress } from '../../clients/postgres.ts'
import { resource } from '../../external/contract.ts'
import { hashOf } from '../../lib/json.ts'
import type { SourceContext, SourceDatabase, SourcePlan, SourceType } from '../type.ts'
import { postgresVerdict } from './errors.ts'
import { lookAt } from './look.ts'
import { refuseLoss, retention } from './position.ts'
import { judgePreflight } from './preflight.ts'
import { publication } from './publication.ts'
import { judgeStreaming } from './sample.ts'
import { connectorSettings, heartbeatTopic, notificationTopic } from './settings.ts'
import { tableShapes } from './shapes.ts'
import { type SlotContext, slot, slotState } from './slot.ts'

/** How old an answer about a start may be. */
const RECENT_MS = 1_000

/** PostgreSQL through Debezium. */
export const postgresType: SourceType = {
  type: 'Postgres',
  open: async (context, signal) => database(context, await login(context, signal)),
}

/** Who we are in the database: the connector's role, and the one that makes the publication. */
interface Login {
  readonly connector: PostgresAddress
  readonly admin: PostgresAddress
  readonly secretName: string
}

async function login(context: SourceContext, signal: AbortSignal): Promise<Login> {
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
    const { host, port = 5432, database } = spec
    return { host, port, database, username, password, tls: { mode, ...(ca ? { ca } : {}) } }
  }
  const secretName = spec.credentialsSecretRef.name
  const connector = await as(secretName)
  const admin = spec.adminCredentialsSecretRef ? await as(spec.adminCredentialsSecretRef.name) : connector
  return { connector, admin, secretName }
}

function postgresSpec({ source }: SourceContext) {
  const { postgres } = source.spec
  if (!postgres) throw new TypeError('the CRD lets no Source of type Postgres pass without postgres')
  return postgres
}

function database(context: SourceContext, logins: Login): SourceDatabase {
  const { source, now } = context
  const spec = postgresSpec(context)
  const { connector, secretName } = logins
  const client = context.pool.get('postgres', connector, createPostgresClient)
  const slotName = spec.slot?.name ?? databaseObjectName(source.metadata)
  const address = `${connector.host}:${connector.port}/${connector.database} ${hashOf(connector)}`
  const look = lookAt(context, { address, client }, slotName, postgresVerdict(spec.host, secretName))
  const keys = new Map(source.spec.tables.flatMap(({ name, key }) => (key ? [[name, key] as const] : [])))

  return {
    identity: async (signal) => (await look.view(signal)).systemIdentifier,
    preflight: async (signal) => {
      const { tables, columns, facts } = await look.catalogue(signal)
      const shapes = tableShapes(columns, keys)
      return judgePreflight({
        spec: source.spec,
        role: connector.username,
        slot: slotName,
        server: await look.server(signal),
        columns: facts,
        database: await look.view(signal),
        tables,
        shapes,
      })
    },
    tables: async (signal) => tableShapes((await look.catalogue(signal)).columns, keys),
    plan: () => plan(context, logins, look.slot, slotName, address),
    judge: judgeStreaming,
    sample: async (signal) => {
      const found = await look.sample(signal)
      // A start is over within seconds: an older answer would hold it up.
      return found.snapshot === 'Pending' ? look.sample(signal, now() - RECENT_MS) : found
    },
  }
}

function plan(
  context: SourceContext,
  logins: Login,
  slotContext: SlotContext,
  slotName: string,
  address: string,
): SourcePlan {
  const { source, owner, topicPrefix } = context
  const spec = postgresSpec(context)
  const publicationName = spec.publication?.name ?? databaseObjectName(source.metadata)
  const management = spec.publication?.managementPolicy ?? 'Managed'
  const { onDelete } = source.spec
  const slotResource = slot(slotContext, slotName)
  const publicationResource = publication(
    {
      client: context.pool.get('postgres', logins.admin, createPostgresClient),
      database: address,
      polls: context.polls,
      user: context.user,
      verdict: slotContext.verdict,
    },
    {
      name: publicationName,
      tables: source.spec.tables.map(({ name }) => name),
      owner,
      management,
      adoption: source.spec.adoptionPolicy ?? 'Refuse',
    },
  )
  return {
    stages: [
      { condition: 'PublicationReady', members: [resource(publicationResource)] },
      { condition: 'SourceRetained', members: [resource(slotResource)] },
    ],
    ledger: [
      {
        id: publicationResource.id,
        onRemove: management === 'External' || onDelete?.publication === 'Retain' ? 'Retain' : 'Delete',
      },
      { id: slotResource.id, onRemove: onDelete?.slot === 'Retain' ? 'Retain' : 'Delete' },
    ],
    removers: [resource(publicationResource), resource(slotResource)],
    settings: connectorSettings({
      spec: source.spec,
      topicPrefix,
      slot: slotName,
      publication: publicationName,
      username: context.secretReference(logins.secretName, 'username', logins.connector.username),
      password: context.secretReference(logins.secretName, 'password', logins.connector.password),
      credentialsVersion: hashOf([logins.connector.username, logins.connector.password]),
      compacted: source.spec.tables.some(
        ({ topic }) => (topic?.policy ?? source.spec.topics?.policy ?? 'Latest') === 'Latest',
      ),
    }),
    topics: [
      { name: heartbeatTopic(topicPrefix), policy: 'Latest' },
      { name: notificationTopic(topicPrefix), policy: 'History' },
    ],
    beforeStart: async (signal) => {
      const { slot: found, offsets } = await slotState(slotContext, slotName, signal, context.now())
      refuseLoss(retention(slotName, found, offsets))
    },
  }
}
