import { type Place, until } from './place.ts'

/** A connector under measurement; its topics have one partition each. */
export interface Subject {
  readonly name: string
  /** Makes it; its snapshot begins. */
  start(): Promise<void>
  /** Resolves when it streams. */
  streaming(): Promise<void>
  stop(): Promise<void>
  resume(): Promise<void>
  remove(): Promise<void>
  topic(table: string): string
}

/** Latency profiles of a Source. */
export const PROFILES = ['Interactive', 'Balanced', 'Throughput'] as const

/** A Source of ours, made and driven by the operator. */
export function sourceSubject(
  place: Place,
  latency: (typeof PROFILES)[number],
  tables: readonly string[],
): Subject {
  const name = latency.toLowerCase()
  const apply = (state: 'Running' | 'Stopped') => place.source(name, { tables, latency, state })
  return {
    name: latency,
    start: () => apply('Running'),
    streaming: () => place.ready('Streaming', 1),
    stop: async () => {
      await apply('Stopped')
      await place.ready('Stopped', 1)
    },
    resume: () => apply('Running'),
    remove: () => place.removeSource(name),
    topic: (table) => `${place.namespace}.${name}.${table}`,
  }
}

/** The same tables through the same worker by a connector with Debezium's defaults; only what is written is as ours. */
export function debeziumSubject(place: Place, tables: readonly string[]): Subject {
  const { connect, database, sql, signal, namespace } = place
  const name = `${namespace}.peer`
  const [slot, publication] = [`${database}_peer`, `${database}_peer`]
  const isActive = async () => {
    const [row] = await sql(`select active from pg_replication_slots where slot_name = '${slot}'`)
    return row?.['active'] === true
  }
  const topic = (table: string) => `${name}.${table}`
  return {
    name: 'Debezium’s defaults',
    start: async () => {
      const head = { partitions: 1, replicationFactor: 1, config: { 'cleanup.policy': 'delete' } }
      await place.kafka.createTopics(
        tables.map((table) => ({ ...head, name: topic(table) })),
        signal,
      )
      await sql(`CREATE PUBLICATION ${publication} FOR TABLE ${tables.join(', ')}`)
      await connect.create(name, peerConfig(place, { name, slot, publication }, tables), 'RUNNING', signal)
    },
    streaming: () => until('the peer streams', 120, signal, isActive),
    stop: async () => {
      await connect.stop(name, signal)
      await until('the peer has stopped', 60, signal, async () => !(await isActive()))
    },
    resume: () => connect.resume(name, signal),
    remove: async () => {
      await connect.remove(name, signal)
      await until('the peer’s slot is free', 60, signal, async () => !(await isActive()))
      await sql(`select pg_drop_replication_slot('${slot}')`)
      await sql(`DROP PUBLICATION ${publication}`)
    },
    topic,
  }
}

function peerConfig(
  { bed, database, login }: Place,
  { name, slot, publication }: Readonly<Record<'name' | 'slot' | 'publication', string>>,
  tables: readonly string[],
): Readonly<Record<string, string>> {
  const { host, port } = bed.postgres
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'plugin.name': 'pgoutput',
    'database.hostname': host,
    'database.port': String(port),
    'database.dbname': database,
    'database.user': login.username,
    'database.password': login.password,
    'topic.prefix': name,
    'slot.name': slot,
    'publication.name': publication,
    'publication.autocreate.mode': 'disabled',
    'table.include.list': tables.join(','),
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': 'false',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
  }
}
