import { databaseObjectName } from '../../api/names.ts'
import type { Source } from '../../api/source/index.ts'
import { createPostgresClient, type PostgresAddress } from '../../clients/postgres.ts'
import { type Health, resource } from '../../external/contract.ts'
import { hashOf } from '../../lib/json.ts'
import type { Claim, SourceContext, SourceDatabase, SourcePlan, SourceType } from '../type.ts'
import { postgresVerdict } from './errors.ts'
import { lookAt } from './look.ts'
import { LOSSES, refuseLoss } from './position.ts'
import { findingsOf } from './preflight.ts'
import { type PublicationWish, publication, publicationStatements, publicationsSeen } from './publication.ts'
import { publicationsQuestion, publisherPoll } from './questions.ts'
import { judgeStreaming } from './sample.ts'
import { connectorSettings, heartbeatTopic, notificationTopic } from './settings.ts'
import { tableShapes } from './shapes.ts'
import { type SlotContext, slot, slotId, slotRetention, slotState } from './slot.ts'

/** offset.mismatch.strategy begins here; an older plugin ignores it and skips rows in silence. */
const OLDEST_PLUGIN = '3.4'

/** How old an answer about a start may be. */
const RECENT_MS = 1_000

/** PostgreSQL through Debezium. */
export const postgresType: SourceType = {
  type: 'Postgres',
  claims,
  open: async (context, signal) => database(context, await login(context, signal)),
}

function claims({ metadata, spec }: Source): readonly Claim[] {
  const { host, port = 5432, slot: wish } = spec.postgres ?? {}
  const id = slotId(wish?.name ?? databaseObjectName(metadata))
  return [{ id, server: `${host}:${port}`, reason: 'SlotTaken' }]
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
    const { host, port = 5432, database } = { ...spec, ...context.reach }
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
  const { source, now, polls, user } = context
  const spec = postgresSpec(context)
  const { connector, secretName } = logins
  const client = context.pool.get('postgres', connector, createPostgresClient)
  const slotName = spec.slot?.name ?? databaseObjectName(source.metadata)
  const address = `${connector.host}:${connector.port}/${connector.database} ${hashOf(connector)}`
  const look = lookAt(
    context,
    { address, client },
    { slotName, role: connector.username, loss: lossOf(source) },
    postgresVerdict(spec.host, secretName),
  )
  const keys = new Map(source.spec.tables.flatMap(({ name, key }) => (key ? [[name, key] as const] : [])))
  const wish = publicationWish(context)
  const publisher = { address, client: context.pool.get('postgres', logins.admin, createPostgresClient) }
  const published = async (signal: AbortSignal) => {
    const interest = { names: [wish.name], fingerprint: publicationsSeen }
    const question = publicationsQuestion(publisher)
    const found = await polls.readEach(question, interest, user, signal).catch(adminVerdictOf(context))
    return found.get(wish.name)
  }

  return {
    identity: async (signal) => (await look.view(signal)).systemIdentifier,
    preflight: async (signal) => {
      const { tables, columns, facts } = await look.catalogue(signal)
      const found = await look.view(signal)
      const claimed = [...found.slots.keys()].filter((name) => context.claiming(slotId(name)).length > 0)
      return findingsOf({
        spec: source.spec,
        role: connector.username,
        slot: slotName,
        server: await look.server(signal),
        columns: facts,
        database: found,
        ourSlots: new Set(claimed),
        publication: { wish, view: await published(signal) },
        publisher: await polls
          .read(publisherPoll(publisher, wish.tables), user, signal)
          .catch(adminVerdictOf(context)),
        tables,
        shapes: tableShapes(columns, keys),
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
  const { source, topicPrefix } = context
  const { onDelete } = source.spec
  const slotResource = slot(slotContext, slotName)
  const wish = publicationWish(context)
  const publicationResource = publication(
    {
      client: context.pool.get('postgres', logins.admin, createPostgresClient),
      database: address,
      polls: context.polls,
      user: context.user,
      verdict: adminVerdictOf(context),
    },
    wish,
  )
  return {
    stages: [
      { condition: 'PublicationReady', members: [resource(publicationResource)] },
      { condition: 'SourceRetained', members: [resource(slotResource)] },
    ],
    ledger: [
      {
        id: publicationResource.id,
        onRemove: wish.management === 'External' || onDelete?.publication === 'Retain' ? 'Retain' : 'Delete',
      },
      { id: slotResource.id, onRemove: onDelete?.slot === 'Retain' ? 'Retain' : 'Delete' },
    ],
    removers: [resource(publicationResource), resource(slotResource)],
    statements: publicationStatements(wish),
    losses: LOSSES,
    secrets: [logins.connector.password, logins.admin.password],
    oldestPlugin: OLDEST_PLUGIN,
    refusesLogin: (message) => /authentication failed|SCRAM/.test(message),
    settings: connectorSettings({
      spec: source.spec,
      topicPrefix,
      slot: slotName,
      publication: wish.name,
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
      const state = await slotState(slotContext, slotName, signal, context.now())
      if (state.unknown) throw state.unknown
      refuseLoss(slotRetention(slotContext, slotName, state))
    },
  }
}

/** A loss that cannot be told once the connector has gone on. */
const LATCHED = 'OffsetBehindSlot'

/** A loss that the status tells of. */
function lossOf({ status }: Source): Health | undefined {
  const found = status?.conditions?.find(({ type }) => type === 'SourceRetained')
  return found?.status === 'False' && found.reason === LATCHED
    ? { type: 'Broken', reason: found.reason, message: found.message }
    : undefined
}

function adminVerdictOf(context: SourceContext): ReturnType<typeof postgresVerdict> {
  const { host, credentialsSecretRef, adminCredentialsSecretRef } = postgresSpec(context)
  return postgresVerdict(host, (adminCredentialsSecretRef ?? credentialsSecretRef).name)
}

function publicationWish(context: SourceContext): PublicationWish {
  const { source, owner } = context
  const { publication: spec } = postgresSpec(context)
  return {
    name: spec?.name ?? databaseObjectName(source.metadata),
    tables: source.spec.tables.map(({ name }) => name),
    owner,
    management: spec?.managementPolicy ?? 'Managed',
    adoption: source.spec.adoptionPolicy ?? 'Refuse',
  }
}
