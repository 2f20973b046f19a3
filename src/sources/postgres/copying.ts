import type { SourceTable } from '../../api/source/index.ts'
import type { PostgresClient } from '../../clients/postgres.ts'
import { type ExternalResource, resource } from '../../external/contract.ts'
import { Waiting } from '../../lib/verdict.ts'
import { type CopiesObservation, type CopyingContext, tableCopies } from '../copies/copies.ts'
import { copyRecords, recordAnew } from '../copies/records.ts'
import type { Relation } from '../copies/relation.ts'
import type { SourceContext, SourcePlan, TableShape } from '../type.ts'
import type { PublicationView } from './queries.ts'
import { absentKeys } from './rows.ts'
import { copiesTopic, includedTables, notificationTopic, signalTopic } from './settings.ts'

/** What copying the tables of a PostgreSQL Source works with. */
export interface PostgresCopying {
  readonly client: PostgresClient
  readonly tables: readonly SourceTable[]
  readonly publication: ExternalResource<PublicationView>
  readonly catalogue: (signal: AbortSignal) => Promise<{
    readonly relations: ReadonlyMap<string, Relation>
    readonly shapes: ReadonlyMap<string, TableShape>
  }>
  /** Whether the connector's first snapshot is over. */
  readonly snapshotOver: (signal: AbortSignal) => Promise<boolean>
}

/** The two resources by which tables are copied, one before and one after the connector, and how far they are. */
export function copying(
  context: SourceContext,
  parts: PostgresCopying,
): {
  readonly before: ExternalResource
  readonly after: ExternalResource
  readonly progress: SourcePlan['progress']
  /** Writes down, before a position is forgotten, that the next start copies every table. */
  readonly anew: (signal: AbortSignal) => Promise<void>
} {
  const names = parts.tables.map(({ name }) => name)
  const copies = copyingContext(context, parts)
  const after = tableCopies(copies, names)
  return {
    before: resource(copyRecords(copies, names)),
    after: resource(after),
    anew: (signal) => recordAnew(copies, names, signal),
    progress: (observed) =>
      (observed.get(`${after.id.kind}/${after.id.name}`) as CopiesObservation | undefined)?.progress,
  }
}

function copyingContext(context: SourceContext, parts: PostgresCopying): CopyingContext {
  const { source, topicPrefix, kafka, polls, user, now } = context
  const { client, tables, publication, catalogue } = parts
  const latest = ({ topic }: SourceTable) =>
    (topic?.policy ?? source.spec.topics?.policy ?? 'Latest') === 'Latest'
  return {
    ...{ polls, user, now, topicPrefix, admin: kafka.admin, log: kafka.log, kafka: kafka.address },
    life: source.metadata.uid,
    added: source.spec.snapshot?.mode === 'Never' ? 'Initial' : 'Signal',
    topics: {
      copies: copiesTopic(topicPrefix),
      signals: signalTopic(topicPrefix),
      notifications: notificationTopic(topicPrefix),
      of: (table) => `${topicPrefix}.${table}`,
      compacted: new Set(tables.filter(latest).map(({ name }) => name)),
    },
    relations: async (signal) => (await catalogue(signal)).relations,
    captured: async (signal) => {
      const view = await context.connector(signal)
      return view && includedTables(view.config)
    },
    streaming: async (signal) => source.spec.state === 'Running' && parts.snapshotOver(signal),
    refuseUnpublished: async (signal) => {
      const view = await publication.observe(signal, now())
      if (view && publication.diff(view).length === 0) return
      throw new Waiting(
        'PublicationDiffers',
        `publication ${publication.id.name} has just been changed`,
        1_000,
      )
    },
    absent: async (table, keys, signal) => {
      const key = (await catalogue(signal)).shapes.get(table)?.key ?? []
      return absentKeys(client, table, key, keys, signal)
    },
    detached: (work) => context.detached('sweeping', work),
    whilePaused: context.whilePaused,
  }
}
