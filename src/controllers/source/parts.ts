import { connectorName, ownerMark } from '../../api/names.ts'
import { type ConnectorObservation, type ConnectorWish, connector } from '../../external/connector.ts'
import type { ExternalResource } from '../../external/contract.ts'
import { type ObservedTopics, type TopicWish, topicSet } from '../../external/topics.ts'
import type { Captured, SourcePlan } from '../../sources/type.ts'
import { configFinding, validated } from './config.ts'
import type { OpenSource, SourceServices } from './open.ts'
import { sourceTopics } from './topics.ts'

/** Everything that exists because of a Source, as it is wanted. */
export interface SourceParts {
  /** What the type of database adds. */
  readonly plan: SourcePlan
  readonly topicWishes: readonly TopicWish[]
  readonly topics: ExternalResource<ObservedTopics>
  readonly connectorWish: ConnectorWish
  readonly connector: ExternalResource<ConnectorObservation>
}

/** Plans the parts of a Source; asks nothing of anybody yet. */
export function sourceParts(services: SourceServices, open: OpenSource, captured: Captured): SourceParts {
  const { source, user, topicPrefix, backbone, kafka, database } = open
  const { metadata, spec } = source
  const plan = database.plan(captured)
  const topicWishes = sourceTopics(backbone, source, captured.tables, topicPrefix, plan.topics)
  const topics = topicSet(
    { admin: kafka.admin, kafka: kafka.address, polls: services.polls, user },
    `${topicPrefix}.`,
    topicWishes,
  )
  const connectorWish: ConnectorWish = {
    name: connectorName(metadata),
    config: plan.settings,
    state: spec.state,
    owner: ownerMark(services.installation, metadata),
    adoption: spec.adoptionPolicy ?? 'Refuse',
    resetOffsetsOnRemove: spec.onDelete?.offsets !== 'Retain',
  }
  return {
    plan,
    topicWishes,
    topics,
    connectorWish,
    connector: connector(connectorContext(services, open, plan), connectorWish),
  }
}

const connectorContext = (
  services: SourceServices,
  { connect, database, failures, user }: OpenSource,
  plan: SourcePlan,
): Parameters<typeof connector>[0] => ({
  client: {
    ...connect.client,
    validate: (config, signal) => validated(services.polls, user, connect, config, signal),
  },
  url: connect.url,
  polls: services.polls,
  now: services.now,
  detached: services.detached,
  user,
  failures,
  secrets: plan.secrets,
  judge: async (view, signal) => database.judge(await database.sample(signal), view),
  explain: (errors) => {
    // The login was tried by preflight, which comes first.
    const { check, found, remedy } = configFinding(plan, errors, true)
    return { reason: check, message: `${found}: ${remedy}` }
  },
  beforeStart: plan.beforeStart,
})
