import { isKafkaError } from '../clients/kafka/errors.ts'
import type { KafkaAdmin, TopicDescription } from '../clients/kafka/types.ts'
import { durationMs } from '../lib/time.ts'
import { messageOf, Waiting } from '../lib/verdict.ts'
import type { Change, ExternalResource } from './contract.ts'
import type { SharedPolls } from './polls.ts'
import type { Question } from './question.ts'

/** A topic as it is wanted. */
export interface TopicWish {
  readonly name: string
  readonly partitions: number
  /** Undefined: the broker's own default (KIP-464). */
  readonly replicationFactor?: number
  /** Every setting that is ours; others are left alone. */
  readonly config: Readonly<Record<string, string>>
  /** Keyed topics keep each key in its partition, so that their number of partitions cannot grow once there is data. */
  readonly keyed: boolean
}

/** What the broker says of a topic. */
export type ObservedTopic = TopicDescription & { readonly settings: ReadonlyMap<string, string> }

/** What the broker says of the topics of a set, by name. */
export type ObservedTopics = ReadonlyMap<string, ObservedTopic>

const TOPICS_EVERY_MS = 60_000
const WRITTEN_EVERY_MS = 5_000

const HOUR_MS = 3_600_000

/** Settings that stand for a policy (see docs: topics). `retention` is a duration such as 7d. */
export function policySettings(
  policy: 'Latest' | 'History' | 'Forever',
  retention: string | undefined,
): Readonly<Record<string, string>> {
  const compaction = {
    'delete.retention.ms': String(24 * HOUR_MS),
    'min.cleanable.dirty.ratio': '0.1',
    'max.compaction.lag.ms': String(HOUR_MS),
  }
  const retentionMs = retention === undefined ? '-1' : String(durationMs(retention))
  switch (policy) {
    case 'Latest':
      return retention === undefined
        ? { 'cleanup.policy': 'compact', ...compaction }
        : { 'cleanup.policy': 'compact,delete', 'retention.ms': retentionMs, ...compaction }
    case 'History':
    case 'Forever':
      return { 'cleanup.policy': 'delete', 'retention.ms': retentionMs }
  }
}

/** What topics of one Kafka are: one question for all objects on it. */
export const topicsQuestion = (kafka: string, admin: KafkaAdmin): Question<ObservedTopic> => ({
  key: `topics ${kafka}`,
  everyMs: TOPICS_EVERY_MS,
  ask: async (names, signal) => {
    const topics = await admin.describeTopics(names, signal)
    const settings = await admin.topicSettings([...topics.keys()], signal)
    // Thousands of topics have few sets of settings among them.
    const shared = new Map<string, ReadonlyMap<string, string>>()
    const once = (found: ReadonlyMap<string, string> = new Map()) => {
      const text = JSON.stringify([...found])
      const known = shared.get(text)
      if (known) return known
      shared.set(text, found)
      return found
    }
    return new Map(
      [...topics].map(([name, topic]) => [name, { ...topic, settings: once(settings.get(name)) }]),
    )
  },
})

/** How many records were ever written to topics of one Kafka. */
export const writtenQuestion = (kafka: string, admin: KafkaAdmin): Question<bigint> => ({
  key: `written ${kafka}`,
  everyMs: WRITTEN_EVERY_MS,
  ask: (names, signal) => admin.written(names, signal),
})

/** Fingerprint of topics that were found. */
export const topicsSeen = (topics: ObservedTopics): string =>
  JSON.stringify([...topics].map(([topic, { settings, ...rest }]) => [topic, rest, [...settings]]))

/** A set of topics under one name in the ledger; removal takes away those of the set that exist. */
export function topicSet(
  context: {
    readonly admin: KafkaAdmin
    readonly kafka: string
    readonly polls: SharedPolls
    readonly user: string
  },
  name: string,
  wishes: readonly TopicWish[],
): ExternalResource<ObservedTopics> {
  const { admin, kafka, polls, user } = context
  const names = wishes.map((wish) => wish.name)
  return {
    id: { kind: 'TopicSet', name },
    observe: (signal, after) =>
      polls
        .readEach(topicsQuestion(kafka, admin), { names, fingerprint: topicsSeen }, user, signal, after)
        .catch(kafkaVerdict),
    diff: (observed) =>
      wishes.flatMap((wish) =>
        differences(wish, observed).map((change) => ({ ...change, member: wish.name })),
      ),
    health: (observed) => {
      // A broker learns of topics a little later than the controller has made them.
      const missing = names.filter((topic) => !observed.has(topic))
      if (missing.length === 0) return { type: 'Ready', message: `${names.length} topics` }
      const message = `${missing.length} of ${names.length} topics do not show yet`
      return { type: 'NotReady', reason: 'NotThereYet', message, afterMs: 500 }
    },
    apply: async (observed, _changes, signal) => {
      const missing = wishes.filter(({ name }) => !observed?.has(name))
      const fresh = missing.map((wish) => ({ ...wish, replicationFactor: wish.replicationFactor ?? -1 }))
      await admin.createTopics(fresh, signal).catch(kafkaVerdict)
      for (const wish of wishes) {
        const found = observed?.get(wish.name)
        if (found) await alter(admin, wish, found, signal).catch(kafkaVerdict)
      }
    },
    remove: async (signal) => {
      for (const topic of names) await admin.deleteTopic(topic, signal).catch(kafkaVerdict)
    },
  }
}

/** Rethrows an error of Kafka as a verdict that says what to do. */
export function kafkaVerdict(error: unknown): never {
  if (!isKafkaError(error)) throw error
  switch (error.kind) {
    case 'Unreachable':
      throw new Waiting(
        'KafkaUnreachable',
        `Kafka does not answer: ${messageOf(error, 300)}. Check that its brokers run and that bootstrapServers is right`,
      )
    case 'AuthenticationFailed':
      throw new Waiting(
        'AuthenticationFailed',
        `Kafka refuses the login: ${messageOf(error, 300)}. Check the Secret of sasl.credentialsSecretRef`,
        60_000,
      )
    case 'Refused':
      throw new Waiting('KafkaRefused', `Kafka refuses: ${messageOf(error, 500)}`, 30_000)
  }
}

function differences(wish: TopicWish, observed: ObservedTopics): readonly Change[] {
  const found = observed.get(wish.name)
  if (!found) return [{ what: `${wish.name} created` }]
  return [
    ...partitionDifference(wish, found),
    ...replicationDifference(wish, found),
    ...settingDifferences(wish, found.settings),
  ]
}

function partitionDifference(wish: TopicWish, found: TopicDescription): readonly Change[] {
  if (found.partitions === wish.partitions) return []
  const what = `${wish.name} partitions: ${found.partitions} → ${wish.partitions}`
  if (found.partitions > wish.partitions) {
    const message = `topic ${wish.name} has ${found.partitions} partitions and Kafka cannot take any away: set partitions to ${found.partitions}`
    return [{ what, refused: { reason: 'PartitionsCannotShrink', message } }]
  }
  if (!wish.keyed) return [{ what }]
  const message = `topic ${wish.name} has ${found.partitions} partitions and keeps the latest of each key: with ${wish.partitions}, keys would move to other partitions and the old values would stay. Set partitions to ${found.partitions}, or use another topic`
  return [{ what, refused: { reason: 'KeysWouldMove', message } }]
}

function replicationDifference(wish: TopicWish, found: TopicDescription): readonly Change[] {
  if (wish.replicationFactor === undefined || found.replicationFactor === wish.replicationFactor) return []
  const message = `topic ${wish.name} has replication factor ${found.replicationFactor}, not ${wish.replicationFactor}: reassign its partitions with Kafka's tools, or set topicDefaults.replicationFactor to ${found.replicationFactor}`
  return [
    { what: `${wish.name} replication factor`, refused: { reason: 'ReplicationFactorDiffers', message } },
  ]
}

function settingDifferences(wish: TopicWish, settings: ReadonlyMap<string, string>): readonly Change[] {
  return Object.entries(wish.config)
    .filter(([key, value]) => settings.get(key) !== value)
    .map(([key, value]) => ({
      what: `${wish.name} ${key}: ${settings.get(key) ?? 'unset'} → ${value}`,
    }))
}

async function alter(
  admin: KafkaAdmin,
  wish: TopicWish,
  found: ObservedTopic,
  signal: AbortSignal,
): Promise<void> {
  if (found.partitions < wish.partitions) await admin.growTopic(wish.name, wish.partitions, signal)
  if (settingDifferences(wish, found.settings).length > 0)
    await admin.alterTopic(wish.name, wish.config, signal)
}
