import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { KafkaAdmin } from '../../src/clients/kafka/types.ts'
import { type MemoryKafka, memoryKafka } from '../../src/external/testing/kafka.ts'
import { type MemoryDatabase, memoryDatabase } from '../../src/sources/postgres/testing/database.ts'
import { toWire } from './wire.ts'

/** How long Kafka Connect takes for an answer. */
const CONNECT_MS = 20

/** Outer systems of one Backbone in memory. */
interface Site {
  readonly kafka: MemoryKafka
  readonly database: MemoryDatabase
  readonly connectors: Map<string, Readonly<Record<string, string>>>
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
  close(): Promise<void>
}

/** Starts the stand-ins; a Backbone's are made when it is first named in a path (`/connect/b1/…`). */
export async function startOutside(): Promise<Outside> {
  const sites = new Map<string, Site>()
  const calls = new Map<string, number>()
  const counts = { connectWrites: 0 }
  const siteOf = (name: string): Site => {
    const site = sites.get(name) ?? {
      kafka: memoryKafka(),
      database: memoryDatabase(),
      connectors: new Map(),
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
    if (system === 'kafka')
      return (await callKafka(site, rest[0] ?? '', JSON.parse(body) as unknown[])) ?? null
    if (system === 'sql') return query(site, JSON.parse(body) as { sql: string; values: unknown[] })
    await delay(CONNECT_MS)
    if (request.method !== 'GET' && rest.at(-1) !== 'validate') counts.connectWrites++
    return callConnect(site, request.method ?? 'GET', rest.map(decodeURIComponent), body)
  }
  const server = createServer((request, response: ServerResponse) => {
    answer(request).then(
      (value) => response.writeHead(value === undefined ? 404 : 200).end(toWire(value ?? {})),
      (error: unknown) => response.writeHead(500).end(JSON.stringify({ message: String(error) })),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sum = (of: (site: Site) => number) => [...sites.values()].reduce((all, site) => all + of(site), 0)
  return {
    port: (server.address() as AddressInfo).port,
    calls,
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
}

function callKafka({ kafka }: Site, method: string, values: readonly unknown[]): Promise<unknown> {
  const call = kafka.admin[method as keyof KafkaAdmin] as (...args: unknown[]) => Promise<unknown>
  return call(...values, AbortSignal.timeout(1_000))
}

async function query(
  site: Site,
  { sql, values }: { sql: string; values: readonly unknown[] },
): Promise<unknown> {
  const tables = Array.isArray(values[0]) ? (values[0] as string[]) : []
  if (sql.includes('from pg_attribute'))
    return tables.map((table) => ({ table, name: 'id', type: 'int4', key_place: 1 }))
  if (sql.includes('from pg_class'))
    return tables.map((table) => ({ table, kind: 'r', persistence: 'p', identity: 'd', readable: true }))
  if (sql.includes('from pg_replication_slots')) {
    return [...site.connectors.values()].map((config) => ({
      slot_name: config['slot.name'],
      active: true,
      plugin: 'pgoutput',
      wal_status: 'reserved',
      restart: '100',
      confirmed: '100',
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
  if (first === 'connector-plugins') return name ? { configs: [] } : []
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
  const offset = { lsn: 100, ts_usec: Date.now() * 1_000 }
  return connectors.has(name) ? { offsets: [{ partition: { server: name }, offset }] } : { offsets: [] }
}

const view = (name: string, config: Readonly<Record<string, string>>) => ({
  info: { name, config, tasks: [], type: 'source' },
  status: {
    name,
    connector: { state: 'RUNNING', worker_id: 'w:8083' },
    tasks: [{ id: 0, state: 'RUNNING', worker_id: 'w:8083' }],
  },
})
