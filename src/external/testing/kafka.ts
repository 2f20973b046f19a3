import type { KafkaAdmin } from '../../clients/kafka/types.ts'

/** A topic in memory. */
export interface MemoryTopic {
  partitions: number
  replicationFactor: number
  readonly config: Map<string, string>
}

/** A Kafka in memory, as far as administration sees it. */
export interface MemoryKafka {
  readonly admin: KafkaAdmin
  readonly topics: Map<string, MemoryTopic>
  readonly groups: Set<string>
  /** Acts that write, in order, such as "createTopic a". */
  readonly writes: string[]
}

/** A Kafka that holds these topics. */
export function memoryKafka(initial: Readonly<Record<string, Partial<MemoryTopic>>> = {}): MemoryKafka {
  const topics = new Map(
    Object.entries(initial).map(([name, topic]) => [
      name,
      { partitions: 1, replicationFactor: 1, config: new Map<string, string>(), ...topic },
    ]),
  )
  const groups = new Set<string>()
  const writes: string[] = []
  const write = async (what: string, run: () => unknown): Promise<void> => {
    writes.push(what)
    run()
  }
  const present = (names: readonly string[]) =>
    names.flatMap((name) => {
      const topic = topics.get(name)
      return topic ? [[name, topic] as const] : []
    })

  const admin: KafkaAdmin = {
    cluster: async () => ({ clusterId: 'k', brokers: 1 }),
    listTopics: async () => [...topics.keys()],
    describeTopics: async (names) =>
      new Map(
        present(names).map(([name, { partitions, replicationFactor }]) => [
          name,
          { name, id: `id of ${name}`, partitions, replicationFactor },
        ]),
      ),
    topicSettings: async (names) =>
      new Map(present(names).map(([name, { config }]) => [name, new Map(config)])),
    createTopics: async (wanted) => {
      for (const { name, partitions, replicationFactor, config } of wanted) {
        const factor = replicationFactor === -1 ? 1 : replicationFactor
        const made = { partitions, replicationFactor: factor, config: new Map(Object.entries(config)) }
        await write(`createTopic ${name}`, () => topics.has(name) || topics.set(name, made))
      }
    },
    growTopic: (name, partitions) =>
      write(`growTopic ${name}`, () => {
        const topic = topics.get(name)
        if (topic) topic.partitions = partitions
      }),
    alterTopic: (name, set) =>
      write(`alterTopic ${name}`, () => {
        for (const [key, value] of Object.entries(set)) topics.get(name)?.config.set(key, value)
      }),
    deleteTopic: (name) => write(`deleteTopic ${name}`, () => topics.delete(name)),
    offsets: async () => new Map(),
    written: async (names) => new Map(present(names).map(([name]) => [name, 0n])),
    groupOffsets: async () => new Map(),
    deleteGroup: (name) => write(`deleteGroup ${name}`, () => groups.delete(name)),
    close: async () => undefined,
  }
  return { admin, topics, groups, writes }
}
