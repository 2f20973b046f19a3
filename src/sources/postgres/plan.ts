import { databaseObjectName } from '../../api/names.ts'
import type { Source } from '../../api/source/index.ts'
import type { ConnectorView } from '../../clients/connect.ts'
import { createPostgresClient } from '../../clients/postgres.ts'
import { type Health, resource } from '../../external/contract.ts'
import { hashOf } from '../../lib/json.ts'
import type { Captured, SourceContext, SourcePlan } from '../type.ts'
import { copying, type PostgresCopying } from './copying.ts'
import { postgresVerdict } from './errors.ts'
import { type Login, postgresSpec } from './login.ts'
import { LOSSES, positionOf, refuseLoss, retention } from './position.ts'
import { type PublicationWish, publication, publicationStatements } from './publication.ts'
import type { SlotView } from './queries.ts'
import {
  connectorSettings,
  copiesTopic,
  heartbeatTopic,
  includedTables,
  notificationTopic,
  signalTopic,
} from './settings.ts'
import { dropSlot, type SlotContext, slot, slotRetention, slotState } from './slot.ts'
import { beforeFirstRun, isFirstRun } from './stale.ts'

/** offset.mismatch.strategy begins here; an older plugin ignores it and skips rows in silence. */
const OLDEST_PLUGIN = '3.4'

/** What a plan is made from besides the Source and its tables. */
export interface PlanParts extends Pick<PostgresCopying, 'client' | 'catalogue' | 'snapshotOver'> {
  readonly logins: Login
  readonly slotContext: SlotContext
  readonly slotName: string
  /** Names the database, as who makes the publication sees it, among questions. */
  readonly publisher: string
}

/** Everything in the database and in Kafka that exists because of a PostgreSQL Source. */
export function planPostgres(context: SourceContext, captured: Captured, parts: PlanParts): SourcePlan {
  const { source, topicPrefix } = context
  const { onDelete, postgres } = source.spec
  const { polls, user } = context
  const wishes = (others: PublicationWish['others']) =>
    publicationWish(context, includedTables(captured.settings), others)
  const wish = wishes('Keep')
  const publisher = {
    client: context.pool.get('postgres', parts.logins.admin, createPostgresClient),
    ...{ database: parts.publisher, polls, user, verdict: adminVerdictOf(context) },
  }
  const grown = publication(publisher, wish)
  const exact = publication(publisher, wishes(captured.held.length > 0 ? 'Keep' : 'Remove'))
  const copies = copying(context, { ...parts, tables: captured.tables, publication: grown })
  const renew = (signal: AbortSignal) =>
    context.forgetPosition(async (running) => {
      await dropSlot(parts.slotContext, parts.slotName, running)
      await copies.anew(running)
    }, signal)
  const slotResource = slot(parts.slotContext, parts.slotName, mayRenew(source) ? renew : undefined)
  return {
    stages: [
      { condition: 'PublicationReady', members: [resource(grown), copies.before] },
      // A slot is watched whatever becomes of the publication: with Connect away, its copies cannot be looked at.
      { condition: 'SourceRetained', members: [resource(slotResource)], needs: ['PreflightPassed'] },
    ],
    after: [{ condition: 'TablesCaptured', members: [resource(exact), copies.after] }],
    progress: copies.progress,
    ledger: [
      {
        id: grown.id,
        onRemove: wish.management === 'External' || onDelete?.publication === 'Retain' ? 'Retain' : 'Delete',
      },
      {
        id: slotResource.id,
        onRemove:
          postgres?.slot?.managementPolicy === 'External' || onDelete?.slot === 'Retain'
            ? 'Retain'
            : 'Delete',
      },
    ],
    removers: [resource(grown), ...(isOurs(source) ? [resource(slotResource)] : [])],
    statements: publicationStatements(wish),
    losses: LOSSES,
    secrets: [parts.logins.connector.password, parts.logins.admin.password],
    oldestPlugin: OLDEST_PLUGIN,
    refusesLogin: (message) => /authentication failed|SCRAM/.test(message),
    settings: settingsOf(context, captured, parts, wish.name),
    topics: [
      { name: heartbeatTopic(topicPrefix), policy: 'Latest' },
      { name: notificationTopic(topicPrefix), policy: 'History' },
      { name: signalTopic(topicPrefix), policy: 'History' },
      { name: copiesTopic(topicPrefix), policy: 'Latest' },
    ],
    beforeStart: (signal, found) => beforeStart(context, parts, found, signal),
  }
}

/**
 * Whether changes that were lost are made good by a new snapshot: where the spec says so, and the last one came to its
 * end, for one that did not would be lost again.
 */
const mayRenew = ({ spec, status }: Source): boolean =>
  spec.snapshot?.mode === 'WhenNeeded' &&
  spec.state === 'Running' &&
  spec.postgres?.slot?.managementPolicy !== 'External' &&
  status?.snapshot?.state === 'Completed'

/** Throws where rows would be skipped; what an earlier connector has left is looked at before a first run. */
async function beforeStart(
  { source, now }: SourceContext,
  { slotContext, slotName }: PlanParts,
  found: ConnectorView | undefined,
  signal: AbortSignal,
): Promise<'Running' | 'Stopped'> {
  const state = await slotState(slotContext, slotName, signal, now())
  if (state.unknown) throw state.unknown
  refuseLoss(slotRetention(slotContext, slotName, state))
  if (!state.slot || !isFirstRun(source)) return 'Running'
  if (found?.status?.state === 'STOPPED' && state.offsets !== 'NotAsked' && !positionOf(state.offsets))
    refuseLoss(beforeSnapshot(source, slotName, state.slot))
  return found ? 'Running' : 'Stopped'
}

/** What a slot comes to that is there before any position is; Adopt means the position as well. */
function beforeSnapshot(source: Source, slotName: string, found: SlotView): Health {
  const health = retention(slotName, found, undefined)
  return source.spec.snapshot?.mode === 'Never' ? beforeFirstRun(source, slotName, health) : health
}

/** A slot carries no mark: one that the spec names, and the connector has not come to read, may be anybody's. */
const isOurs = ({ spec, status }: Source): boolean =>
  spec.postgres?.slot?.name === undefined || status?.identity !== undefined

function settingsOf(
  context: SourceContext,
  captured: Captured,
  { logins, slotName }: PlanParts,
  publicationName: string,
): SourcePlan['settings'] {
  const { source, topicPrefix, kafka } = context
  const { connector, secretName } = logins
  return connectorSettings({
    spec: source.spec,
    tables: captured.settings,
    signals: { kafka: kafka.connection, consumer: kafka.clientSettings },
    topicPrefix,
    slot: slotName,
    publication: publicationName,
    username: context.secretReference(secretName, 'username', connector.username),
    password: context.secretReference(secretName, 'password', connector.password),
    credentialsVersion: hashOf([connector.username, connector.password]),
    compacted: source.spec.tables.some(
      ({ topic }) => (topic?.policy ?? source.spec.topics?.policy ?? 'Latest') === 'Latest',
    ),
  })
}

/** How errors of the role that makes the publication are told. */
export function adminVerdictOf(context: SourceContext): ReturnType<typeof postgresVerdict> {
  const { host, credentialsSecretRef, adminCredentialsSecretRef } = postgresSpec(context)
  return postgresVerdict(host, (adminCredentialsSecretRef ?? credentialsSecretRef).name)
}

/** The name of a Source's publication. */
export const publicationName = (context: SourceContext): string =>
  postgresSpec(context).publication?.name ?? databaseObjectName(context.source.metadata)

/** The publication of these tables as the Source wants it. */
export function publicationWish(
  context: SourceContext,
  tables: readonly string[],
  others: PublicationWish['others'],
): PublicationWish {
  const { source, owner } = context
  const { publication: spec } = postgresSpec(context)
  return {
    ...{ name: publicationName(context), tables, others, owner },
    management: spec?.managementPolicy ?? 'Managed',
    adoption: source.spec.adoptionPolicy ?? 'Refuse',
  }
}
