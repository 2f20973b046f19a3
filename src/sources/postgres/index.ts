import { databaseObjectName } from '../../api/names.ts'
import type { Source } from '../../api/source/index.ts'
import { entryOf, isPattern } from '../../api/source/tables.ts'
import { createPostgresClient } from '../../clients/postgres.ts'
import type { Health } from '../../external/contract.ts'
import { allOf } from '../../lib/all-of.ts'
import type { Claim, SourceContext, SourceDatabase, SourceType } from '../type.ts'
import { byHand } from './by-hand.ts'
import { postgresVerdict } from './errors.ts'
import { POSTGRES_FAILURES } from './failures.ts'
import { addressOf, type Login, login, postgresSpec, serverOf } from './login.ts'
import { type Catalogue, lookAt } from './look.ts'
import { adminVerdictOf, planPostgres, publicationName, publicationWish } from './plan.ts'
import { findingsOf } from './preflight.ts'
import { type PublicationWish, publicationsSeen } from './publication.ts'
import { publicationsQuestion, publisherFacts, publisherInterest, publisherQuestion } from './questions.ts'
import { judgeStreaming } from './sample.ts'
import { tableSettings } from './settings.ts'
import { tableShapes } from './shapes.ts'
import { slotId } from './slot.ts'
import { unlessCopying, wantedTables } from './wanted.ts'

/** How old an answer about a start may be. */
const RECENT_MS = 1_000

/** PostgreSQL through Debezium. */
export const postgresType: SourceType = {
  type: 'Postgres',
  claims,
  byHand,
  failures: POSTGRES_FAILURES,
  open: async (context, signal) => database(context, await login(context, signal)),
}

function claims({ metadata, spec }: Source): readonly Claim[] {
  const { host, port = 5432, slot: wish } = spec.postgres ?? {}
  const id = slotId(wish?.name ?? databaseObjectName(metadata))
  return [{ id, server: `${host}:${port}`, reason: 'SlotTaken' }]
}

function database(context: SourceContext, logins: Login): SourceDatabase {
  const { source, now, polls, user } = context
  const spec = postgresSpec(context)
  const { connector, secretName } = logins
  const client = context.pool.get('postgres', connector, createPostgresClient)
  const slotName = spec.slot?.name ?? databaseObjectName(source.metadata)
  const address = addressOf(connector)
  const look = lookAt(
    context,
    { address, client },
    {
      ...{ server: serverOf(connector), slotName, role: connector.username },
      ...{ publicationName: publicationName(context), loss: lossOf(source) },
    },
    postgresVerdict(spec.host, secretName),
  )
  const shapesOf = ({ columns }: Catalogue) =>
    tableShapes(columns, (table) => entryOf(source.spec.tables, table))
  const sample = async (signal: AbortSignal) => {
    const found = await look.sample(signal)
    // A start is over within seconds: an older answer would hold it up.
    return found.snapshot === 'Pending' ? look.sample(signal, now() - RECENT_MS) : found
  }
  const wantedOf = (found: Catalogue) => {
    const { tables } = found
    return wantedTables({ spec: source.spec, role: connector.username, tables, shapes: shapesOf(found) })
  }
  const publisher = {
    address: addressOf(logins.admin),
    client: context.pool.get('postgres', logins.admin, createPostgresClient),
  }
  const published = async (wish: PublicationWish, signal: AbortSignal) => {
    const interest = { names: [wish.name], fingerprint: publicationsSeen }
    const question = publicationsQuestion(publisher)
    const found = await polls.readEach(question, interest, user, signal).catch(adminVerdictOf(context))
    return found.get(wish.name)
  }

  const publisherRights = async (tables: readonly string[], signal: AbortSignal) =>
    publisherFacts(
      await polls
        .readEach(publisherQuestion(publisher), publisherInterest(tables), user, signal)
        .catch(adminVerdictOf(context)),
    )

  return {
    identity: async (signal) => (await look.view(signal)).systemIdentifier,
    preflight: async (signal) => {
      const [catalogue, found, server] = await allOf([
        look.catalogue(signal),
        look.view(signal),
        look.server(signal),
      ])
      const names = wantedOf(catalogue).map(({ name }) => name)
      const wish = publicationWish(context, names, 'Remove')
      const [view, rights] = await allOf([published(wish, signal), publisherRights(wish.tables, signal)])
      const claimed = [...found.slots.keys()].filter((name) => context.claiming(slotId(name)).length > 0)
      return findingsOf({
        spec: source.spec,
        role: connector.username,
        slot: slotName,
        server,
        columns: catalogue.facts,
        database: found,
        ourSlots: new Set(claimed),
        publication: { wish, view },
        publisher: rights,
        tables: catalogue.tables,
        shapes: shapesOf(catalogue),
      })
    },
    tables: async (signal) => shapesOf(await look.catalogue(signal)),
    captured: async (signal) => {
      const patterns = source.spec.tables.some(({ name }) => isPattern(name))
      const wanted = patterns ? wantedOf(await look.catalogue(signal)) : source.spec.tables
      // Once the first snapshot is over, which tables are captured does not depend on Connect, which may be away.
      if (context.shown()?.snapshot?.state === 'Completed')
        return { tables: wanted, settings: tableSettings(wanted), held: [] }
      const connected = await context.connector(signal)
      return unlessCopying(wanted, connected, async () => (await sample(signal)).snapshot)
    },
    plan: (captured) =>
      planPostgres(context, captured, {
        ...{ client, logins, slotName, publisher: publisher.address, slotContext: look.slot },
        catalogue: async (signal) => {
          const found = await look.catalogue(signal)
          return { relations: found.relations, shapes: shapesOf(found) }
        },
        snapshotOver: async (signal) => (await sample(signal)).snapshot === 'Completed',
      }),
    judge: judgeStreaming,
    sample,
  }
}

/** A loss that cannot be told once the connector has gone on. */
const LATCHED = 'OffsetBehindSlot'

/** A loss that the status tells of. */
const lossOf = ({ status }: Source): Health | undefined =>
  status?.loss?.reason === LATCHED ? { type: 'Broken', ...status.loss } : undefined
