import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { KafkaAdmin } from '../../src/clients/kafka/types.ts'
import { type MemoryKafka, memoryKafka } from '../../src/external/testing/kafka.ts'
import { type MemoryDatabase, memoryDatabase } from '../../src/sources/postgres/testing/database.ts'
import { toWire } from './wire.ts'

const TAMPERED = '123456'
/** A server on which everything may be done. */
const SERVER = {
  ...{ version: 180_000, slot_free: true, sender_free: true, keep_size: '10GB', standby: false },
  ...{ tls: true, may_replicate: true, marks: [] },
}
/** What a table is made of. */
const RELATION = { oid: '1', file: '1', numbers: ['1'], names: ['id'], filled: [], memberships: {} }
/** A heartbeat comes, and a position is stored, this often. */
const BEAT_MS = 5_000
/** How long Kafka Connect takes for an answer. */
const CONNECT_MS = 20

/** Outer systems of one Backbone in memory. */
interface Site {
  readonly kafka: MemoryKafka
  readonly database: MemoryDatabase
  readonly connectors: Map<string, Readonly<Record<string, string>>>
  /** Keys and values by topic. */
  readonly logs: Map<string, (readonly [string, string])[]>
}

/** Stand-ins for every Backbone's Kafka, Connect and database, behind one HTTP port, that outlive an operator. */
export interface Outside {
  readonly port: number
  /** Calls, by what was called. */
  readonly calls: Map<string, number>
  /** Writes that reached a connector, a topic or a database. */
  writes(): number
  /** Connectors, topics and publications that are there. */
  resources(): number
  /** When a topic was last altered, by performance.now; 0 where it never was. */
  alteredAt(topic: string): number
  /** Configurations that were written to connectors. */
  configured(): number
  /** Changes a setting of so many connectors behind the operator's back; answers how many are still so. */
  tamper(count: number): { readonly left: () => number }
  /** What pods answer, by their address. */
  pods: (address: string) => object | undefined
  close(): Promise<void>
}

/** Starts the stand-ins; a Backbone's are made when it is first named in a path (`/connect/b1/…`). */
export async function startOutside(): Promise<Outside> {
  const sites = new Map<string, Site>()
  const calls = new Map<string, number>()
  const counts = { connectWrites: 0, configured: 0 }
  const altered = new Map<string, number>()
  const siteOf = (name: string): Site => {
    const site = sites.get(name) ?? {
      kafka: memoryKafka(),
      database: memoryDatabase(),
      connectors: new Map(),
      logs: new Map(),
    }
    sites.set(name, site)
    return site
  }
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const body = await text(request)
    const { pathname } = new URL(request.url ?? '/', 'http://stand-in')
    const [, system = '', name = '', ...rest] = pathname.split('/')
    const site = siteOf(name)
    const what = `${system} ${request.method} ${rest.at(system === 'connect' ? -1 : 0) ?? ''}`
    calls.set(what, (calls.get(what) ?? 0) + 1)
    if (system === 'pod') return outside.pods(name)
    if (system === 'kafka' && rest[0] === 'alterTopic')
      altered.set(String((JSON.parse(body) as unknown[])[0]), performance.now())
    if (system === 'kafka')
      return (await callKafka(site, rest[0] ?? '', JSON.parse(body) as unknown[])) ?? null
    if (system === 'log') return callLog(site, rest[0] ?? '', JSON.parse(body) as unknown[])
    if (system === 'sql') return query(site, JSON.parse(body) as { sql: string; values: unknown[] })
    await delay(CONNECT_MS)
    if (request.method !== 'GET' && rest.at(-1) !== 'validate') counts.connectWrites++
    if (request.method === 'PUT' && rest.at(-1) === 'config') counts.configured++
    return callConnect(site, request.method ?? 'GET', rest.map(decodeURIComponent), body)
  }
  const server = createServer((request, response: ServerResponse) => {
    answer(request).then(
      (value) => response.writeHead(value === undefined ? 404 : 200).end(toWire(value ?? {})),
      (error: unknown) => response.writeHead(500).end(JSON.stringify({ message: String(error) })),
    )
  })
  // As brokers, databases and Jetty: none of them ends a connection between two polls.
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sum = (of: (site: Site) => number) => [...sites.values()].reduce((all, site) => all + of(site), 0)
  const outside: Outside = {
    port: (server.address() as AddressInfo).port,
    calls,
    pods: () => undefined,
    alteredAt: (topic) => altered.get(topic) ?? 0,
    configured: () => counts.configured,
    tamper: (count) => {
      const victims = [...sites.values()]
        .flatMap(({ connectors }) => [...connectors.keys()].map((name) => ({ name, connectors })))
        .slice(0, count)
      for (const { name, connectors } of victims)
        connectors.set(name, { ...connectors.get(name), 'heartbeat.interval.ms': TAMPERED })
      const isLeft = ({ name, connectors }: (typeof victims)[number]) =>
        connectors.get(name)?.['heartbeat.interval.ms'] === TAMPERED
      return { left: () => victims.filter(isLeft).length }
    },
    writes: () =>
      counts.connectWrites + sum(({ kafka, database }) => kafka.writes.length + database.writes.length),
    resources: () =>
      sum((site) => site.connectors.size + site.kafka.topics.size + site.database.publications.size),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return outside
}

function callKafka({ kafka }: Site, method: string, values: readonly unknown[]): Promise<unknown> {
  if (method === 'written') {
    const beats = BigInt(Math.floor(Date.now() / BEAT_MS))
    return Promise.resolve(new Map((values[0] as string[]).map((name) => [name, beats])))
  }
  const call = kafka.admin[method as keyof KafkaAdmin] as (...args: unknown[]) => Promise<unknown>
  return call(...values, AbortSignal.timeout(1_000))
}

function callLog({ logs }: Site, method: string, values: readonly unknown[]): unknown {
  if (method === 'read') return logs.get(String(values[0])) ?? []
  for (const [topic, key, value] of values as readonly (readonly [string, string, string])[])
    logs.set(topic, [...(logs.get(topic) ?? []), [key, value]])
  return null
}

async function query(
  site: Site,
  { sql, values }: { sql: string; values: readonly unknown[] },
): Promise<unknown> {
  const tables = Array.isArray(values[0]) ? (values[0] as string[]) : []
  if (sql.includes('as memberships')) return tables.map((table) => ({ ...RELATION, table }))
  if (sql.includes('from pg_attribute'))
    return tables.map((table) => ({ table, name: 'id', type: 'int4', key_place: 1 }))
  if (sql.includes('has_database_privilege')) return [{ role: 'bench', may_create: true, not_owned: [] }]
  if (sql.includes('from pg_class'))
    return tables.map((table) => ({ table, kind: 'r', persistence: 'p', identity: 'd', readable: true }))
  if (sql.includes('server_version_num')) return [SERVER]
  // Bytes of log grow by the second, and every slot follows.
  const end = Math.floor(Date.now() / 1_000)
  const stored = Math.floor(Date.now() / BEAT_MS) * (BEAT_MS / 1_000)
  if (sql.includes('pg_control_system')) return [{ system: '7', wal_level: 'logical', wal_end: String(end) }]
  if (sql.includes('from pg_replication_slots') && sql.includes('wal_status')) {
    return [...site.connectors.values()].map((config) => ({
      slot_name: config['slot.name'],
      active: true,
      plugin: 'pgoutput',
      wal_status: 'reserved',
      restart: String(stored),
      confirmed: String(stored),
      confirmed_lsn: '0/64',
    }))
  }
  return site.database.client.query(sql, values, AbortSignal.timeout(1_000))
}

function callConnect(
  { connectors }: Site,
  method: string,
  [first = '', name = '', what = '']: readonly string[],
  body: string,
): unknown {
  if (first === '') return { version: '4.3.1', kafka_cluster_id: 'k' }
  if (first === 'connector-plugins') return name ? { configs: [] } : PLUGINS
  if (!name && method === 'POST') {
    const made = JSON.parse(body) as {
      readonly name: string
      readonly config: Readonly<Record<string, string>>
    }
    connectors.set(made.name, made.config)
    return view(made.name, made.config).info
  }
  if (!name) return Object.fromEntries([...connectors].map(([key, config]) => [key, view(key, config)]))
  if (method === 'PUT' && what === 'config') {
    const config = JSON.parse(body) as Readonly<Record<string, string>>
    connectors.set(name, config)
    return view(name, config).info
  }
  if (method === 'DELETE' && what === '') connectors.delete(name)
  if (method === 'GET' && what === 'config') return connectors.get(name)
  if (method !== 'GET' || what !== 'offsets') return {}
  // Every row has just been delivered.
  const lsn = Math.floor(Date.now() / 1_000)
  const offset = { lsn, lsn_proc: lsn, ts_usec: Date.now() * 1_000 }
  return connectors.has(name) ? { offsets: [{ partition: { server: name }, offset }] } : { offsets: [] }
}

const PLUGINS = [{ class: 'io.debezium.connector.postgresql.PostgresConnector', version: '3.6.1.Final' }]

const view = (name: string, config: Readonly<Record<string, string>>) => ({
  info: { name, config, tasks: [], type: 'source' },
  status: {
    name,
    connector: { state: 'RUNNING', worker_id: 'w:8083' },
    tasks: [{ id: 0, state: 'RUNNING', worker_id: 'w:8083' }],
  },
})
