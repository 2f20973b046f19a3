import type { GroupPartitionsAssigner } from '@platformatic/kafka'

/** The name of our assignor in the group; a member with another one is refused by the broker. */
export const ASSIGNOR = 'penstock'

/**
 * Partition n of every topic goes to one member: to number `n mod members` in the order of their instance ids, so
 * that inputs of one flow which share keys meet in one place and a restarted member gets back what it had.
 */
export const assignTogether: GroupPartitionsAssigner = (_current, members, topics, metadata) => {
  const inOrder = [...members.values()]
    .map(({ memberId, metadata: instance }) => ({ memberId, instance: instance?.toString() ?? memberId }))
    .sort((a, b) =>
      a.instance < b.instance ? -1 : a.instance > b.instance ? 1 : a.memberId < b.memberId ? -1 : 1,
    )
  return inOrder.map(({ memberId }, place) => ({
    memberId,
    assignments: new Map(
      [...topics].map((topic) => {
        const count = metadata.topics.get(topic)?.partitionsCount ?? 0
        const partitions = Array.from({ length: count }, (_, partition) => partition)
        return [topic, { topic, partitions: partitions.filter((n) => n % inOrder.length === place) }]
      }),
    ),
  }))
}
