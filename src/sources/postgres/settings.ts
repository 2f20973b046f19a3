import type { SourceSpec, SourceTable } from '../../api/source/index.ts'
import { escaped } from '../../api/source/tables.ts'
import type { KafkaConnection } from '../../clients/kafka/types.ts'
import { CREDENTIALS_SETTING } from '../../external/connector.ts'
import { durationMs } from '../../lib/time.ts'

/** What the connector's settings are made from. */
export interface SettingsInput {
  readonly spec: SourceSpec
  /** What says which tables are captured, and how: {@link tableSettings}. */
  readonly tables: Readonly<Record<string, string>>
  readonly signals: SignalSettings
  readonly topicPrefix: string
  readonly slot: string
  readonly publication: string
  readonly username: string
  readonly password: string
  /** Changes when the credentials do, so that Connect starts the tasks anew and resolves them again. */
  readonly credentialsVersion: string
  /** A topic of this Source keeps the latest of each key and therefore refuses records without one. */
  readonly compacted: boolean
}

/** Prefix of the logical messages that move an idle slot on. */
export const HEARTBEAT_PREFIX = 'penstock'

/** Default heartbeat interval. */
export const DEFAULT_HEARTBEAT = '10s'

/** Seconds between two heartbeats. */
export const heartbeatSeconds = ({ postgres }: SourceSpec): number =>
  durationMs(postgres?.heartbeat?.interval ?? DEFAULT_HEARTBEAT) / 1_000

/** Seconds beyond a heartbeat's interval after which a source that shows nothing new is not moving. */
const BEAT_PATIENCE_SECONDS = 18

/** Seconds within which a healthy source shows a heartbeat in Kafka. */
export const silenceLimit = (spec: SourceSpec): number => heartbeatSeconds(spec) + BEAT_PATIENCE_SECONDS

/** Every setting of a Debezium PostgreSQL connector that is ours, with its reason where it is not plain. */
export function connectorSettings(input: SettingsInput): Readonly<Record<string, string>> {
  const { spec, topicPrefix } = input
  const postgres = spec.postgres
  const heartbeatMs = durationMs(postgres?.heartbeat?.interval ?? DEFAULT_HEARTBEAT)
  return {
    ...identity(input),
    ...VALUES,
    ...LATENCY[spec.latency ?? 'Balanced'],
    ...input.tables,
    ...signalSettings(input),
    'topic.prefix': topicPrefix,
    'slot.name': input.slot,
    ...(postgres?.slot?.failover === 'Enabled' ? { 'slot.failover': 'true' } : {}),
    'publication.name': input.publication,
    // no_data: the slot that Debezium makes, or finds, is where the stream begins.
    'snapshot.mode': spec.snapshot?.mode === 'Never' ? 'no_data' : 'initial',
    // A compacted topic refuses a record without a key, which is what a TRUNCATE is; the task would fail for ever.
    'skipped.operations': input.compacted ? 't' : 'none',
    // Transactional: a read-only incremental snapshot dies of a message that is not.
    'heartbeat.interval.ms': String(heartbeatMs),
    'heartbeat.action.query': `SELECT pg_logical_emit_message(true, '${HEARTBEAT_PREFIX}', '')`,
    'message.prefix.exclude.list': HEARTBEAT_PREFIX,
    'notification.enabled.channels': 'sink',
    'notification.sink.topic.name': notificationTopic(topicPrefix),
    [CREDENTIALS_SETTING]: input.credentialsVersion,
    ...stringValues(spec.connector?.config ?? {}),
  }
}

/** Topic of Debezium's heartbeats. */
export function heartbeatTopic(topicPrefix: string): string {
  return `__debezium-heartbeat.${topicPrefix}`
}

/** Topic of signals to Debezium. */
export function signalTopic(topicPrefix: string): string {
  return `${topicPrefix}.signals`
}

/** Topic of what has been copied of each table: ours alone. */
export function copiesTopic(topicPrefix: string): string {
  return `${topicPrefix}.copies`
}

/** Topic of Debezium's notifications: snapshot progress. */
export function notificationTopic(topicPrefix: string): string {
  return `${topicPrefix}.notifications`
}

function identity({ spec, username, password }: SettingsInput): Readonly<Record<string, string>> {
  const { host = '', port = 5432, database = '', tls } = spec.postgres ?? {}
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'plugin.name': 'pgoutput',
    'publication.autocreate.mode': 'disabled',
    'database.hostname': host,
    'database.port': String(port),
    'database.dbname': database,
    'database.user': username,
    'database.password': password,
    'database.sslmode': tls?.mode ?? 'prefer',
    // The position is the offset's, written after the broker's acknowledgement; the slot follows it.
    'lsn.flush.mode': 'connector',
    'offset.mismatch.strategy': 'trust_offset',
    'slot.drop.on.stop': 'false',
    'retriable.restart.connector.wait.ms': '500',
  }
}

/** How values are written: lossless where JSON can be, and the same in a snapshot and in the stream. */
const VALUES: Readonly<Record<string, string>> = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'decimal.handling.mode': 'string',
  'time.precision.mode': 'isostring',
  'interval.handling.mode': 'string',
  // JSON has base64 for bytes too, and with `base64` a value that was not logged would be null.
  'binary.handling.mode': 'bytes',
  'hstore.handling.mode': 'json',
  // What Debezium does not know comes as the base64 of its text; else it would be missing.
  'include.unknown.datatypes': 'true',
  'tombstones.on.delete': 'true',
}

/** The whole latency of capture is Debezium's polling and batching. */
const LATENCY: Readonly<Record<'Interactive' | 'Balanced' | 'Throughput', Readonly<Record<string, string>>>> =
  {
    Interactive: { 'poll.interval.ms': '20', 'producer.override.linger.ms': '0' },
    Balanced: { 'poll.interval.ms': '100', 'producer.override.linger.ms': '5' },
    Throughput: {
      'poll.interval.ms': '500',
      'max.batch.size': '8192',
      'max.queue.size': '32768',
      'producer.override.linger.ms': '20',
      'producer.override.batch.size': '262144',
      'producer.override.compression.type': 'lz4',
    },
  }

/** How the connector itself reads signals: with a consumer of its own, not the worker's. */
export interface SignalSettings {
  readonly kafka: Pick<KafkaConnection, 'bootstrapServers'>
  /** Login of that consumer, as Kafka's own settings; secrets as references. */
  readonly consumer: Readonly<Record<string, string>>
}

function signalSettings({ topicPrefix, signals }: SettingsInput): Readonly<Record<string, string>> {
  const consumer = Object.entries(signals.consumer).map(([key, value]) => [`signal.consumer.${key}`, value])
  return {
    'signal.enabled.channels': 'kafka',
    'signal.kafka.topic': signalTopic(topicPrefix),
    'signal.kafka.groupId': signalTopic(topicPrefix),
    'signal.kafka.bootstrap.servers': signals.kafka.bootstrapServers.join(','),
    // With the defaults a signal takes 9 to 21 s.
    'signal.poll.interval.ms': '250',
    'signal.kafka.poll.timeout.ms': '100',
    // Watermarks are the server's transaction snapshots: nothing is written into the database.
    'read.only': 'true',
    ...Object.fromEntries(consumer),
  }
}

/** Settings that say which tables are captured, and how. */
const TABLE_SETTINGS = [
  'table.include.list',
  'column.include.list',
  'column.exclude.list',
  'message.key.columns',
]

/** The settings of tables as a connector has them. */
export function tableSettingsOf(config: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => TABLE_SETTINGS.includes(key)))
}

/** Tables that a connector with these settings captures. */
export function includedTables(settings: Readonly<Record<string, string>>): readonly string[] {
  const list = settings['table.include.list'] ?? ''
  return list === '' ? [] : list.split(',').map((pattern) => pattern.replaceAll(/\\(.)/g, '$1'))
}

/** Settings that say which tables are captured, and how; each table has its own name here, never a pattern. */
export function tableSettings(tables: readonly SourceTable[]): Readonly<Record<string, string>> {
  const keys = tables.flatMap(({ name, key }) => (key ? [`${escaped(name)}:${key.join(',')}`] : []))
  return {
    // Debezium anchors each of the regular expressions.
    'table.include.list': tables
      .map(({ name }) => escaped(name))
      .sort()
      .join(','),
    ...columnSettings(tables),
    ...(keys.length > 0 ? { 'message.key.columns': keys.sort().join(';') } : {}),
  }
}

/** Debezium takes a list of columns to include, for all tables, or one to exclude, never both. */
function columnSettings(tables: readonly SourceTable[]): Readonly<Record<string, string>> {
  if (tables.some(({ columns }) => columns?.include)) {
    const included = tables.map(({ name, columns }) => `${escaped(name)}\\.${columnPattern(columns)}`)
    return { 'column.include.list': included.sort().join(',') }
  }
  const excluded = tables.flatMap(({ name, columns }) =>
    (columns?.exclude ?? []).map((column) => escaped(`${name}.${column}`)),
  )
  return excluded.length > 0 ? { 'column.exclude.list': excluded.sort().join(',') } : {}
}

function columnPattern({ include, exclude }: SourceTable['columns'] = {}): string {
  if (include) return `(${include.map(escaped).sort().join('|')})`
  return exclude ? `(?!(${exclude.map(escaped).sort().join('|')})$).*` : '.*'
}

const stringValues = (config: Readonly<Record<string, string | number>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]))
