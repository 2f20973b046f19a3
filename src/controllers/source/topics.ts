import type { Backbone } from '../../api/backbone.ts'
import type { TopicPolicy } from '../../api/common.ts'
import type { Source, SourceTable } from '../../api/source/index.ts'
import { policySettings, type TopicWish } from '../../external/topics.ts'

const DEFAULT_PARTITIONS = 6
/** Further topics that a type of source writes are small, and their order matters: one partition. */
const SIDE_RETENTION = '7d'

/** Topic of a table. */
export const tableTopic = (topicPrefix: string, table: string): string => `${topicPrefix}.${table}`

/** Policy and retention of a table's topic: the table's own, else the Source's, else Latest. */
export function tablePolicy(
  source: Source,
  table: SourceTable,
): { readonly policy: TopicPolicy; readonly retention: string | undefined } {
  const { topics } = source.spec
  if (table.topic?.policy) return { policy: table.topic.policy, retention: table.topic.retention }
  return { policy: topics?.policy ?? 'Latest', retention: table.topic?.retention ?? topics?.retention }
}

/** Every topic of a Source as it is wanted: one for each of these tables, patterns resolved, and what the type of source writes besides. Pure. */
export function sourceTopics(
  backbone: Backbone | undefined,
  source: Source,
  tables: readonly SourceTable[],
  topicPrefix: string,
  side: readonly { readonly name: string; readonly policy: 'Latest' | 'History' }[],
): readonly TopicWish[] {
  const defaults = backbone?.spec.topicDefaults
  const { topics } = source.spec
  const unmanaged = new Set(topics?.unmanagedConfig ?? [])
  const replication =
    defaults?.replicationFactor === undefined ? {} : { replicationFactor: defaults.replicationFactor }
  const managed = (config: Readonly<Record<string, string | number>>) =>
    Object.fromEntries(
      Object.entries(config)
        .filter(([key]) => !unmanaged.has(key))
        .map(([key, value]) => [key, String(value)]),
    )
  const data = tables.map((table): TopicWish => {
    const { policy, retention } = tablePolicy(source, table)
    return {
      name: tableTopic(topicPrefix, table.name),
      partitions: table.topic?.partitions ?? topics?.partitions ?? defaults?.partitions ?? DEFAULT_PARTITIONS,
      ...replication,
      config: managed({ ...defaults?.config, ...topics?.config, ...policySettings(policy, retention) }),
      keyed: policy === 'Latest',
    }
  })
  const others = side.map(
    ({ name, policy }): TopicWish => ({
      name,
      partitions: 1,
      ...replication,
      config: managed({
        ...defaults?.config,
        ...policySettings(policy, policy === 'History' ? SIDE_RETENTION : undefined),
      }),
      keyed: false,
    }),
  )
  return [...data, ...others]
}
