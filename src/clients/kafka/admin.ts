import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'

import { clientOptions } from './connection.ts'
import { apartFrom, kafkaError, pathOf } from './errors.ts'
import type { KafkaAdmin, KafkaConnection, NewTopic, TopicDescription } from './types.ts'

/** What one request makes: a controller that is busy answers well within the client's limit. */
const TOPICS_AT_ONCE = 100

/**
 * Administration of one Kafka. Calls run one after the other: @platformatic/kafka 2.12.1 merges concurrent calls of
 * one kind and reports success for those that it never sent. Errors are {@link kafkaError}.
 */
export function createKafkaAdmin(connection: KafkaConnection): KafkaAdmin {
  const admin = new Admin({
    ...clientOptions(connection),
    strict: false,
    retries: 2,
    retryDelay: 200,
    timeout: 10_000,
  })
  const inTurn = mutex()
  const call = <T>(what: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> =>
    inTurn(signal, () => run().catch((error: unknown) => Promise.reject(kafkaError(what, error))))

  return {
    cluster: (signal) =>
      call('read the cluster', signal, async () => {
        const { id, brokers } = await admin.metadata({ topics: [], forceUpdate: true })
        return { clusterId: id, brokers: brokers.size }
      }),
    listTopics: (signal) => call('list topics', signal, () => admin.listTopics({ includeInternals: false })),
    describeTopics: (names, signal) => call('describe topics', signal, () => describeTopics(admin, names)),
    topicSettings: (names, signal) => call('read topic settings', signal, () => topicSettings(admin, names)),
    createTopics: async (topics, signal) => {
      const made = await Promise.allSettled(
        alike(topics).map((some) => inTurn(signal, () => createAlike(admin, some))),
      )
      for (const one of made) if (one.status === 'rejected') throw one.reason
    },
    growTopic: (name, partitions, signal) =>
      call(`add partitions to topic ${name}`, signal, () =>
        admin.createPartitions({ topics: [{ name, count: partitions, assignments: null as never }] }),
      ),
    alterTopic: (name, set, signal) =>
      call(`alter topic ${name}`, signal, () =>
        admin.incrementalAlterConfigs({
          resources: [
            {
              resourceType: ConfigResourceTypes.TOPIC,
              resourceName: name,
              configs: Object.entries(set).map(([key, value]) => ({
                name: key,
                value,
                configOperation: IncrementalAlterConfigOperationTypes.SET,
              })),
            },
          ],
        }),
      ),
    deleteTopic: (name, signal) =>
      call(`delete topic ${name}`, signal, () =>
        admin.deleteTopics({ topics: [name] }).then(nothing, unless('UNKNOWN_TOPIC_OR_PARTITION')),
      ),
    offsets: (topic, partitions, at, signal) =>
      call(`list offsets of ${topic}`, signal, () => listOffsets(admin, topic, partitions, at)),
    // One topic that is not there fails the whole call.
    written: (topics, signal) =>
      call('count what was written to topics', signal, () =>
        written(admin, topics).catch(async () => written(admin, await present(admin, topics))),
      ),
    groupOffsets: (group, signal) =>
      call(`read offsets of group ${group}`, signal, () => groupOffsets(admin, group)),
    deleteGroup: (group, signal) =>
      call(`delete group ${group}`, signal, () =>
        admin.deleteGroups({ groups: [group] }).then(nothing, unless('GROUP_ID_NOT_FOUND')),
      ),
    close: () => admin.close(),
  }
}

const nothing = (): void => undefined

/** Turns one broker answer into success. */
const unless =
  (apiId: string) =>
  (error: unknown): void => {
    const left = apartFrom(error, apiId)
    if (left !== undefined) throw left
  }

/** Topics that one request can make: the client takes one set of settings for all of them. */
function alike(topics: readonly NewTopic[]): readonly (readonly NewTopic[])[] {
  const bySettings = Map.groupBy(topics, ({ config }) => JSON.stringify(Object.entries(config).sort()))
  return [...bySettings.values()].flatMap((some) =>
    Array.from({ length: Math.ceil(some.length / TOPICS_AT_ONCE) }, (_, part) =>
      some.slice(part * TOPICS_AT_ONCE, (part + 1) * TOPICS_AT_ONCE),
    ),
  )
}

async function createAlike(admin: Admin, topics: readonly NewTopic[]): Promise<void> {
  const wanted = topics.map(({ name, partitions, replicationFactor }) => ({
    topic: name,
    partitions,
    replicas: replicationFactor,
  }))
  const configs = Object.entries(topics[0]?.config ?? {}).map(([name, value]) => ({ name, value }))
  await admin
    .createTopics({ topics: wanted, configs })
    .then(nothing, unless('TOPIC_ALREADY_EXISTS'))
    .catch((error: unknown) => Promise.reject(kafkaError(`create ${refused(topics, error)}`, error)))
}

/** The topic that an error is about; all of them where the whole call failed. */
function refused(topics: readonly NewTopic[], error: unknown): string {
  const one = topics[Number(/^\/topics\/(\d+)/.exec(pathOf(error))?.[1])]
  return one ? `topic ${one.name}` : `${topics.length} topics`
}

async function describeTopics(
  admin: Admin,
  names: readonly string[],
): Promise<ReadonlyMap<string, TopicDescription>> {
  const wanted = await present(admin, names)
  if (wanted.length === 0) return new Map()
  const { topics } = await admin.metadata({ topics: [...wanted], forceUpdate: true })
  const isWanted = new Set(wanted)
  return new Map(
    [...topics]
      .filter(([name]) => isWanted.has(name))
      .map(([name, topic]) => [
        name,
        {
          name,
          id: topic.id,
          partitions: topic.partitionsCount,
          replicationFactor: topic.partitions[0]?.replicas.length ?? 0,
        },
      ]),
  )
}

async function present(admin: Admin, names: readonly string[]): Promise<readonly string[]> {
  const there = new Set(await admin.listTopics({ includeInternals: true }))
  return names.filter((name) => there.has(name))
}

/** How many partitions a topic has may be known from before: a further one is counted after some minutes. */
async function written(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
  if (topics.length === 0) return new Map()
  const known = await admin.metadata({ topics: [...topics] })
  const listed = await admin.listOffsets({
    topics: topics.map((name) => ({
      name,
      partitions: Array.from(
        { length: known.topics.get(name)?.partitions.length ?? 0 },
        (_, partitionIndex) => ({
          partitionIndex,
          timestamp: -1n,
        }),
      ),
    })),
  })
  return new Map(
    listed.map(({ name, partitions }) => [name, partitions.reduce((sum, { offset }) => sum + offset, 0n)]),
  )
}

async function topicSettings(
  admin: Admin,
  names: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  if (names.length === 0) return new Map()
  const described = await admin.describeConfigs({
    resources: names.map((resourceName) => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName })),
  })
  return new Map(
    described.map(({ resourceName, configs }) => [
      resourceName,
      new Map(configs.map(({ name, value }) => [name, value ?? ''])),
    ]),
  )
}

async function listOffsets(
  admin: Admin,
  topic: string,
  partitions: readonly number[],
  at: 'earliest' | 'latest' | number,
): Promise<ReadonlyMap<number, bigint>> {
  const timestamp = at === 'latest' ? -1n : at === 'earliest' ? -2n : BigInt(Math.floor(at))
  const [listed] = await admin.listOffsets({
    topics: [
      { name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })) },
    ],
  })
  return new Map((listed?.partitions ?? []).map(({ partitionIndex, offset }) => [partitionIndex, offset]))
}

async function groupOffsets(
  admin: Admin,
  group: string,
): Promise<ReadonlyMap<string, ReadonlyMap<number, bigint>>> {
  const [listed] = await admin.listConsumerGroupOffsets({ groups: [group] })
  return new Map(
    (listed?.topics ?? []).map(({ name, partitions }) => [
      name,
      new Map(partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset])),
    ]),
  )
}

/** Runs calls in the order in which they were made; one whose signal aborts while it waits is never started. */
function mutex(): <T>(signal: AbortSignal, run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (signal, run) => {
    const turn = last.then(() => {
      signal.throwIfAborted()
      return run()
    })
    last = turn.catch(nothing)
    return turn
  }
}
