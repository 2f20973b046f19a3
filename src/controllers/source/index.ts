import { connectorName, ownerMark } from '../../api/names.ts'
import { type Source, sourceKind } from '../../api/source/index.ts'
import { check } from '../../external/check.ts'
import { type ConnectorObservation, connector } from '../../external/connector.ts'
import { type ExternalResource, type PlannedRemoval, resource } from '../../external/contract.ts'
import { kafkaVerdict, topicSet } from '../../external/topics.ts'
import { Stalled } from '../../lib/verdict.ts'
import type { SourceDatabase } from '../../sources/type.ts'
import { clusterPoll } from '../backbone.ts'
import type { Controller, Prepared } from '../controller.ts'
import { keyOf, userOf } from '../services.ts'
import { type OpenSource, openSource, type SourceServices } from './open.ts'
import { reportSource } from './report.ts'
import { sourceTopics } from './topics.ts'

/** Sources: topics, what the type of database needs, and the connector. */
export function sourceController(services: SourceServices): Controller<Source> {
  return {
    definition: sourceKind,
    conditions: ['PreflightPassed', 'TopicsReady', 'PublicationReady', 'SourceRetained', 'ConnectorRunning'],
    references: ({ metadata, spec }) => [
      { kind: 'Backbone', key: `${metadata.namespace}/${spec.backboneRef.name}` },
    ],
    refresh: (key) => services.polls.release(userOf('Source', key)),
    forget: (key) => {
      const user = userOf('Source', key)
      services.board.forget(user)
      services.restarts.forget(user)
      services.polls.release(user)
    },
    prepare: async (source, signal) => {
      const open = await openSource(services, source, signal)
      if (!source.metadata.deletionTimestamp) refuseSharedTopics(services, open)
      return planSource(services, open)
    },
  }
}

function planSource(services: SourceServices, open: OpenSource): Prepared {
  const { source, user, topicPrefix, kafka, database } = open
  const parts = database.plan()
  const topics = topicSet(
    { admin: kafka.admin, kafka: kafka.address, polls: services.polls, user },
    `${topicPrefix}.`,
    sourceTopics(
      services.backbone(`${source.metadata.namespace}/${source.spec.backboneRef.name}`),
      source,
      topicPrefix,
      parts.topics,
    ),
  )
  const running = connectorOf(services, open, parts)
  const preflight = check('preflight', async (signal) => {
    await refuseAnother(services, open, signal)
    return database.preflight(signal)
  })
  const { onDelete } = source.spec
  const ledger: readonly PlannedRemoval[] = [
    { id: topics.id, onRemove: onDelete?.topics === 'Delete' ? 'Delete' : 'Retain' },
    ...parts.ledger,
    { id: running.id, onRemove: 'Delete' },
  ]
  const removable = [resource(topics), ...parts.removers, resource(running)]
  return {
    plan: {
      stages: [
        { condition: 'PreflightPassed', members: [resource(preflight)] },
        { condition: 'TopicsReady', members: [resource(topics)] },
        ...parts.stages,
        { condition: 'ConnectorRunning', members: [resource(running)] },
      ],
      ledger,
    },
    remover: (id) => removable.find((member) => member.id.kind === id.kind && member.id.name === id.name),
    report: (driven, signal) => reportSource(services, open, driven, signal),
  }
}

function connectorOf(
  services: SourceServices,
  { source, user, connect, database }: OpenSource,
  parts: ReturnType<SourceDatabase['plan']>,
): ExternalResource<ConnectorObservation> {
  const { metadata, spec } = source
  return connector(
    {
      client: connect.client,
      url: connect.url,
      polls: services.polls,
      detached: services.detached,
      user,
      judge: async (view, signal) => database.judge(await database.sample(signal), view),
      beforeStart: parts.beforeStart,
    },
    {
      name: connectorName(metadata),
      config: parts.settings,
      state: spec.state,
      owner: ownerMark(services.installation, metadata),
      adoption: spec.adoptionPolicy ?? 'Refuse',
      resetOffsetsOnRemove: spec.onDelete?.offsets !== 'Retain',
    },
  )
}

/** Offsets of one database, Kafka or Connect must never meet another: nothing outside is touched. */
async function refuseAnother(services: SourceServices, open: OpenSource, signal: AbortSignal): Promise<void> {
  const known = open.source.status?.identity
  if (!known) return
  const database = await open.database.identity(signal)
  const { clusterId } = await services.polls
    .read(clusterPoll(open.kafka.address, open.kafka.admin), open.user, signal)
    .catch(kafkaVerdict)
  const differences = [
    ['DifferentDatabase', 'database', known.database, database],
    ['DifferentKafka', 'Kafka cluster', known.kafkaClusterId, clusterId],
    ['DifferentConnect', 'Kafka Connect', known.connectUrl, open.connect.url],
  ] as const
  for (const [reason, what, before, now] of differences) {
    if (before === now) continue
    throw new Stalled(
      reason,
      `this is another ${what} (${now}, it was ${before}), in which the stored position means nothing: put the former address back, or make another Source`,
    )
  }
}

/** Two Sources that would write the same topics: the oldest has them. */
function refuseSharedTopics(services: SourceServices, { source, topicPrefix, kafka }: OpenSource): void {
  for (const other of services.sourcesWithPrefix(topicPrefix)) {
    if (other.metadata.uid === source.metadata.uid) continue
    const backbone = services.backbone(`${other.metadata.namespace}/${other.spec.backboneRef.name}`)
    if (backbone?.spec.kafka.bootstrapServers.join(',') !== kafka.address || !isOlder(other, source)) continue
    throw new Stalled(
      'TopicTaken',
      `Source ${keyOf(other)} already writes topics ${topicPrefix}.*: set another topics.prefix`,
    )
  }
}

const isOlder = (a: Source, b: Source): boolean =>
  [a.metadata.creationTimestamp, a.metadata.uid].join() <
  [b.metadata.creationTimestamp, b.metadata.uid].join()
