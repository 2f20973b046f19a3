import type { ConnectorView } from '../clients/connect.ts'

/** A way in which a connector fails. */
export interface Failure {
  /** CamelCase, in the field's word. */
  readonly reason: string
  /** Whether a restart helps once some time has passed, or only after a person has acted. */
  readonly heals: 'ByItself' | 'ByHand'
  /** What to do, or what is waited for. */
  readonly remedy: string
}

/** How a failure reads in a trace. The first entry of a table that matches counts. */
export interface KnownFailure extends Failure {
  readonly trace: RegExp
  /** Where the text comes from. */
  readonly origin: string
}

/** Failures of whatever connector. */
export const COMMON_FAILURES: readonly KnownFailure[] = [
  {
    trace:
      /Failed to find any class that implements|java\.lang\.(NoClassDefFoundError|ClassNotFoundException)/,
    reason: 'PluginMissing',
    heals: 'ByHand',
    remedy:
      'that worker lacks a plugin which others have: install the same ones on every worker, and restart it',
    origin: 'Connect, Plugins; which worker runs a task changes with each rebalance',
  },
  {
    trace: /RecordTooLargeException/,
    reason: 'RecordTooLarge',
    heals: 'ByHand',
    remedy:
      'raise max.message.bytes of the topic (topics.config) and producer.override.max.request.size (connector.config)',
    origin: 'kafka-clients, RecordTooLargeException of the producer or the broker',
  },
  {
    trace: /Compacted topic cannot accept message without key|InvalidRecordException/,
    reason: 'RecordRefused',
    heals: 'ByHand',
    remedy:
      'the topic keeps the latest of each key and takes no record without one: give the table a key, or choose topic.policy History',
    origin: 'broker, LogValidator; seen after a TRUNCATE with skipped.operations=none',
  },
  {
    trace: /(Topic|Cluster|Group|TransactionalId)AuthorizationException|Sasl\w*Exception/,
    reason: 'KafkaRefusesConnector',
    heals: 'ByHand',
    remedy: 'let the login of the workers’ producers write the topics (ACLs), or correct that login',
    origin: 'kafka-clients, org.apache.kafka.common.errors',
  },
  {
    trace: /UnknownTopicOrPartitionException/,
    reason: 'TopicMissing',
    heals: 'ByItself',
    remedy: 'the topic is made again',
    origin: 'kafka-clients, org.apache.kafka.common.errors',
  },
  {
    trace:
      /(DataException|SerializationException|SchemaBuilderException|ConversionException|SchemaParseException)/,
    reason: 'RecordNotConvertible',
    heals: 'ByHand',
    remedy: 'see which field it names: exclude the column, or change how connector.config converts it',
    origin: 'connect-api, org.apache.kafka.connect.errors, and the converters',
  },
  {
    trace: /OutOfMemoryError/,
    reason: 'WorkerOutOfMemory',
    heals: 'ByHand',
    remedy: 'give the worker more heap, or set max.queue.size.in.bytes in connector.config',
    origin: 'Java',
  },
  {
    trace:
      /errors\.(Timeout|Network|Disconnect|NotEnoughReplicas\w*|NotLeaderOr\w+|Coordinator\w+|Retriable)Exception|KafkaStorageException/,
    reason: 'KafkaUnreachable',
    heals: 'ByItself',
    remedy: 'Kafka did not answer in time: see its brokers',
    origin: 'kafka-clients, subclasses of RetriableException',
  },
  {
    trace: /java\.(net\.\w+Exception|io\.(IO|EOF)Exception|util\.concurrent\.TimeoutException)/,
    reason: 'ConnectionLost',
    heals: 'ByItself',
    remedy: 'see the network between the worker and what it names',
    origin: 'Java',
  },
]

/** What a trace comes to; one that nobody knows may heal by itself. */
export function failureOf(trace: string, known: readonly KnownFailure[]): Failure {
  return known.find((failure) => failure.trace.test(trace)) ?? UNKNOWN
}

const UNKNOWN: Failure = { reason: 'TaskFailed', heals: 'ByItself', remedy: 'see the log of its worker' }

/** The trace of what of a connector is FAILED; undefined where nothing is. */
export function failedTrace({ status }: Pick<ConnectorView, 'status'>): string | undefined {
  const task = status?.tasks.find(({ state }) => state === 'FAILED')
  if (task) return task.trace ?? NO_TRACE
  return status?.state === 'FAILED' ? (status.trace ?? NO_TRACE) : undefined
}

const NO_TRACE = 'no trace'
