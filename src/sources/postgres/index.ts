import { databaseObjectName } from '../../api/names.ts'
import { createPostgresClient, type PostgresAddress, type PostgresClient } from '../../clients/postgres.ts'
import { resource } from '../../external/contract.ts'
import { hashOf } from '../../lib/json.ts'
import type { SourceContext, SourceDatabase, SourcePlan, SourceType } from '../type.ts'
import { postgresVerdict } from './errors.ts'
import { readColumnFacts, readServer } from './facts.ts'
import { refuseLoss, retention } from './position.ts'
import { judgePreflight } from './preflight.ts'
import { publication } from './publication.ts'
import { type DatabaseView, readColumns, readDatabase, readTables } from './queries.ts'
import { judgeStreaming, sampleOf } from './sample.ts'
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

function database(context: SourceContext, { connector, admin, secretName }: Login): SourceDatabase {
  const { source, polls, user, now } = context
  const spec = postgresSpec(context)
  const client = context.pool.get('postgres', connector, createPostgresClient)
  const verdict = postgresVerdict(spec.host, secretName)
  const slotName = spec.slot?.name ?? databaseObjectName(source.metadata)
  const address = `${connector.host}:${connector.port}/${connector.database} ${hashOf(connector)}`
  const names = source.spec.tables.map(({ name }) => name)

  const view = (signal: AbortSignal, after?: number) =>
    polls.read(databasePoll(address, client, slotName), user, signal, after).catch(verdict)
  const catalogue = (signal: AbortSignal) =>
    polls.read(cataloguePoll(address, client, names, source.metadata.uid), user, signal).catch(verdict)
  const server = (signal: AbortSignal) =>
    polls.read(serverPoll(address, client, installationOf(context)), user, signal).catch(verdict)
  const slotContext: SlotContext = { client, database: view, offsets: context.offsets, verdict, now }
  const keys = new Map(source.spec.tables.flatMap(({ name, key }) => (key ? [[name, key] as const] : [])))

  return {
    identity: async (signal) => (await view(signal)).systemIdentifier,
    preflight: async (signal) => {
      const { tables, columns, facts } = await catalogue(signal)
      const shapes = tableShapes(columns, keys)
      return judgePreflight({
        spec: source.spec,
        role: connector.username,
        slot: slotName,
        server: await server(signal),
        columns: facts,
        database: await view(signal),
        tables,
        shapes,
      })
    },
    tables: async (signal) => tableShapes((await catalogue(signal)).columns, keys),
    plan: () => plan(context, { connector, admin, secretName }, slotContext, slotName, address),
    judge: (sample, connectorView) => judgeStreaming(sample, connectorView, now()),
    sample: async (signal) => {
      const look = async (after?: number) => {
        const state = await slotState(slotContext, slotName, signal, after)
        return sampleOf(source.spec, slotName, await view(signal), state)
      }
      const sample = await look()
      // A start is over within seconds: an older answer would hold it up.
      return sample.snapshot === 'Pending' ? look(now() - RECENT_MS) : sample
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

/** The first part of the mark on what is ours. */
const installationOf = ({ owner }: SourceContext): string => owner.split('/')[0] ?? ''

const serverPoll = (address: string, client: PostgresClient, installation: string) => ({
  key: `server ${address} ${installation}`,
  everyMs: 15_000,
  ask: (signal: AbortSignal) => readServer(client, installation, signal),
  fingerprint: (facts: object) => JSON.stringify(facts),
})

/** One question for all Sources on a database, of which `slotName` is what this one looks for. */
const databasePoll = (address: string, client: PostgresClient, slotName: string) => ({
  key: `database ${address}`,
  everyMs: 5_000,
  ask: (signal: AbortSignal) => readDatabase(client, signal),
  fingerprint: ({ slots, systemIdentifier }: DatabaseView) => {
    const slot = slots.get(slotName)
    return `${systemIdentifier} ${slot?.active},${slot?.walStatus}`
  },
})

const cataloguePoll = (address: string, client: PostgresClient, names: readonly string[], uid: string) => ({
  key: `catalogue ${address} ${uid} ${names.join(',')}`,
  everyMs: 15_000,
  ask: async (signal: AbortSignal) => ({
    tables: await readTables(client, names, signal),
    columns: await readColumns(client, names, signal),
    facts: await readColumnFacts(client, names, signal),
  }),
  fingerprint: (found: object) => JSON.stringify(found),
})
