import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { Pool } from 'pg'
import { inject } from 'vitest'
import { type BedAddresses, writeSecret } from '../../dev/testing.ts'
import type { Condition } from '../../src/api/common.ts'
import { API_VERSION } from '../../src/api/crd/definition.ts'
import { type ConnectClient, createConnectClient } from '../../src/clients/connect.ts'
import { createKafkaAdmin } from '../../src/clients/kafka/admin.ts'
import { createPartitionReader } from '../../src/clients/kafka/reader.ts'
import type { KafkaAdmin, KafkaConnection } from '../../src/clients/kafka/types.ts'
import { isKubeError, type KubeClient, type KubeObject } from '../../src/runtime/kube.ts'
import { eventually } from './eventually.ts'
import { adminKube, type KindName, NAMESPACES, SECRETS, typeOf } from './kube.ts'
import { type OperatorProcess, startOperator } from './process.ts'

/** An object of ours as a test sees it. */
export type Seen = KubeObject & {
  readonly status?: { readonly conditions?: readonly Condition[] } & Readonly<Record<string, unknown>>
}

/** A namespace, a database and a role of their own on the shared servers, and an operator. */
export interface World {
  /** The servers that it is on. */
  readonly bed: BedAddresses
  readonly namespace: string
  readonly database: string
  readonly role: string
  readonly password: string
  readonly kube: KubeClient
  readonly connect: ConnectClient
  readonly kafka: KafkaAdmin
  readonly operator: () => OperatorProcess
  /** A statement in the world's database as its superuser. */
  sql(statement: string): Promise<readonly Record<string, unknown>[]>
  /** Creates an object, or replaces its spec; the namespace is the world's. */
  apply(kind: KindName, name: string, spec: object): Promise<void>
  annotate(kind: KindName, name: string, annotations: Readonly<Record<string, string | null>>): Promise<void>
  get(kind: KindName, name: string): Promise<Seen | undefined>
  /** Waits for what the object is to be like; prints its status and the operator's log when it is not in time. */
  until(
    what: string,
    kind: KindName,
    name: string,
    is: (object: Seen) => boolean,
    withinMs?: number,
  ): Promise<Seen>
  /** Leaves an object without a status, as a restored backup does. */
  wipeStatus(kind: KindName, name: string): Promise<void>
  /** Asks for deletion; `gone` waits for its end. */
  remove(kind: KindName, name: string): Promise<void>
  gone(kind: KindName, name: string, withinMs?: number): Promise<void>
  /** Writes the database login into the Secret and where the Connect worker reads it. */
  login(name: string, password: string): Promise<void>
  forgetLogin(name: string): Promise<void>
  /** Every record of a topic as JSON, from its beginning to its end; tombstones are undefined. */
  records(topic: string): Promise<readonly unknown[]>
  startOperator(): Promise<void>
  stopOperator(): Promise<void>
  close(): Promise<void>
}

const limit = () => AbortSignal.timeout(20_000)
const KINDS = ['Pipeline', 'Source', 'Backbone'] as const

/** Makes a world on the servers of a test run, with a running operator; `start` starts one, also later. */
export function createWorld(
  prefix: string,
  start?: (world: World) => Promise<OperatorProcess>,
): Promise<World> {
  return createWorldOn(inject('testBed'), prefix, start)
}

/** As {@link createWorld}, on the servers of this bed, which has our kinds. */
export async function createWorldOn(
  bed: BedAddresses,
  prefix: string,
  start: (world: World) => Promise<OperatorProcess> = () => startOperator(bed.kubeconfig),
): Promise<World> {
  const namespace = `${prefix}-${randomBytes(3).toString('hex')}`
  const role = namespace.replaceAll('-', '_')
  const password = randomBytes(9).toString('base64url')
  const kube = await adminKube(bed.kubeconfig)
  const connect = createConnectClient({ url: bed.connectUrl })
  const kafka = createKafkaAdmin(kafkaOf(bed))
  const { database, dropAll } = await ownDatabase(bed.postgres.superuserUrl, role, password)
  await kube.create(NAMESPACES, { metadata: { name: namespace } }, limit())

  const running: OperatorProcess[] = []
  const world: World = {
    bed,
    namespace,
    database: role,
    role,
    password,
    kube,
    connect,
    kafka,
    ...operatorsOf(() => start(world), running),
    ...objectsOf(kube, namespace, () => running[0]?.log() ?? 'no operator runs'),
    ...secretsOf(bed, kube, namespace, role),
    sql: async (statement) => (await database.query(statement)).rows as Record<string, unknown>[],
    records: (topic) => recordsOf(world, topic),
    wipeStatus: (kind, name) => wipeStatus(bed, namespace, kind, name),
    close: async () => {
      await world.stopOperator()
      await clear(world)
      await dropAll()
      await Promise.all([kafka.close(), connect.close(), kube.close()])
    },
  }
  await world.login('db', password)
  await world.startOperator()
  return world
}

function operatorsOf(
  start: () => Promise<OperatorProcess>,
  running: OperatorProcess[],
): Pick<World, 'operator' | 'startOperator' | 'stopOperator'> {
  return {
    operator: () => {
      const [current] = running
      if (!current) throw new Error('no operator runs')
      return current
    },
    startOperator: async () => void running.push(await start()),
    stopOperator: async () => {
      for (const one of running.splice(0)) await one.stop()
    },
  }
}

function secretsOf(
  bed: BedAddresses,
  kube: KubeClient,
  namespace: string,
  username: string,
): Pick<World, 'login' | 'forgetLogin'> {
  return {
    login: async (name, password) => {
      const data = { username, password }
      await writeSecret(bed, namespace, name, data)
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, ...encoded(data) }
      await kube.apply(SECRETS, secret, 'test', limit())
    },
    forgetLogin: (name) => kube.remove(SECRETS, namespace, name, limit()),
  }
}

async function wipeStatus(bed: BedAddresses, namespace: string, kind: KindName, name: string): Promise<void> {
  const patch = JSON.stringify([{ op: 'replace', path: '/status', value: {} }])
  const how = ['--subresource=status', '--type=json', '-p', patch]
  const args = ['--kubeconfig', bed.kubeconfig, '-n', namespace, 'patch', typeOf(kind).plural, name, ...how]
  await promisify(execFile)(bed.kubectl, args, { timeout: 20_000 })
}

/** A role and a database of its own. */
async function ownDatabase(
  superuserUrl: string,
  role: string,
  password: string,
): Promise<{ readonly database: Pool; dropAll(): Promise<void> }> {
  const server = databaseOf(superuserUrl, 'postgres')
  await server.query(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD '${password}'`)
  await server.query(`CREATE DATABASE ${role} OWNER ${role}`)
  const database = databaseOf(superuserUrl, role)
  return {
    database,
    dropAll: async () => {
      await database.end()
      await server.query(`DROP DATABASE IF EXISTS ${role} WITH (FORCE)`)
      await server.query(`DROP ROLE ${role}`)
      await server.end()
    },
  }
}

function databaseOf(superuserUrl: string, name: string): Pool {
  const url = new URL(superuserUrl)
  url.pathname = `/${name}`
  const pool = new Pool({ connectionString: url.href, max: 2 })
  // A killed server breaks idle connections, which the next statement makes anew.
  pool.on('error', () => undefined)
  return pool
}

const encoded = (data: Readonly<Record<string, string>>) => ({
  data: Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  ),
})

function objectsOf(
  kube: KubeClient,
  namespace: string,
  log: () => string,
): Pick<World, 'apply' | 'annotate' | 'get' | 'until' | 'remove' | 'gone'> {
  const get = async (kind: KindName, name: string) =>
    (await kube.get(typeOf(kind), namespace, name, limit())) as Seen | undefined
  return {
    get,
    apply: async (kind, name, spec) => {
      const body = { apiVersion: API_VERSION, kind, metadata: { name, namespace }, spec }
      await kube.apply(typeOf(kind), body, 'test', limit())
    },
    annotate: async (kind, name, annotations) => {
      await kube.merge(typeOf(kind), namespace, name, { metadata: { annotations } }, limit())
    },
    until: (what, kind, name, is, withinMs = 30_000) => {
      const last: { object?: Seen | undefined } = {}
      return eventually(
        `${kind} ${name}: ${what}`,
        withinMs,
        async () => {
          last.object = await get(kind, name)
          return last.object && is(last.object) ? last.object : undefined
        },
        () => `${JSON.stringify(last.object?.status ?? null, undefined, 1)}\noperator:\n${log()}`,
      )
    },
    remove: (kind, name) => kube.remove(typeOf(kind), namespace, name, limit()),
    gone: async (kind, name, withinMs = 30_000) => {
      const last: { object?: Seen | undefined } = {}
      await eventually(
        `${kind} ${name} is gone`,
        withinMs,
        async () => {
          last.object = await get(kind, name)
          return last.object ? undefined : true
        },
        () => `${JSON.stringify(last.object?.status ?? null, undefined, 1)}\noperator:\n${log()}`,
      )
    },
  }
}

/** How the broker of a bed is reached. */
export const kafkaOf = ({ bootstrapServers }: BedAddresses): KafkaConnection => ({
  bootstrapServers,
  clientId: 'itest',
})

async function recordsOf({ bed, kafka }: World, topic: string): Promise<readonly unknown[]> {
  const description = (await kafka.describeTopics([topic], limit())).get(topic)
  const missing = new Set(Array.from({ length: description?.partitions ?? 0 }, (_, index) => index))
  const reader = createPartitionReader(kafkaOf(bed))
  const values: unknown[] = []
  try {
    for (const partition of missing) reader.seek(topic, partition, 0n)
    while (missing.size > 0) {
      for (const { partition, records, position, highWatermark } of await reader.poll(limit())) {
        if (!missing.has(partition)) continue
        values.push(...records.map(({ value }) => value && (JSON.parse(value.toString()) as unknown)))
        if (position >= highWatermark) missing.delete(partition)
      }
    }
    return values
  } finally {
    await reader.close()
  }
}

/** Leaves nothing to the next operator: objects go without their cleanup, and what they had made by hand. */
async function clear({ kube, namespace, connect, sql, database }: World): Promise<void> {
  for (const kind of KINDS) {
    const { items } = await kube.listIn(typeOf(kind), namespace, {}, limit())
    for (const { metadata } of items) {
      await kube.remove(typeOf(kind), namespace, metadata.name, limit())
      await kube
        .merge(typeOf(kind), namespace, metadata.name, { metadata: { finalizers: [] } }, limit())
        .catch((error: unknown) => (isKubeError(error, 404) ? undefined : Promise.reject(error)))
    }
  }
  for (const name of (await connect.connectors(limit())).keys()) {
    if (name.startsWith(`${namespace}.`)) await connect.remove(name, AbortSignal.timeout(60_000))
  }
  await eventually('every slot is dropped', 20_000, async () => {
    await sql(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = '${database}' and not active`,
    )
    const left = await sql(`select 1 from pg_replication_slots where database = '${database}'`)
    return left.length === 0 ? true : undefined
  })
  await kube.remove(NAMESPACES, undefined, namespace, limit())
}
