import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { type BedAddresses, writeSecret } from '../../dev/testing.ts'
import { type ConnectClient, createConnectClient } from '../../src/clients/connect.ts'
import { createKafkaAdmin } from '../../src/clients/kafka/admin.ts'
import type { KafkaAdmin } from '../../src/clients/kafka/types.ts'
import { isKubeError, type KubeClient } from '../../src/runtime/kube.ts'
import { adminKube, NAMESPACES, SECRETS, typeOf } from '../../test/operator/kube.ts'
import { type OperatorProcess, startOperator } from '../../test/operator/process.ts'
import { type Recorder, startRecorder } from '../../test/operator/recorder.ts'

/** Where a run takes place: servers that are there, a namespace and a database of its own, and an operator. */
export interface Place {
  readonly bed: BedAddresses
  readonly namespace: string
  readonly database: string
  readonly login: { readonly username: string; readonly password: string }
  readonly kube: KubeClient
  readonly kafka: KafkaAdmin
  readonly connect: ConnectClient
  readonly operator: OperatorProcess
  /** The way on which the operator reaches Connect. */
  readonly toConnect: Recorder
  readonly signal: AbortSignal
  sql(statement: string): Promise<readonly Record<string, unknown>[]>
  /** Makes a Source with these tables, or changes its state. */
  source(name: string, spec: SourceWish): Promise<void>
  /** Waits until this many Sources are Ready for this reason. */
  ready(reason: string, count: number): Promise<void>
  removeSource(name: string): Promise<void>
  close(): Promise<void>
}

/** What a Source of a bench is to be like. */
export interface SourceWish {
  readonly tables: readonly string[]
  readonly latency: string
  readonly state?: 'Running' | 'Stopped'
}

const KEPT = { policy: 'History', retention: '1d' }
const SECONDS_TO_READY = 300

/** Makes a place on running servers, whose API server knows our kinds. */
export async function makePlace(bed: BedAddresses, signal: AbortSignal): Promise<Place> {
  const namespace = `bench-${randomBytes(3).toString('hex')}`
  const database = namespace.replace('-', '_')
  const login = { username: database, password: randomBytes(9).toString('base64url') }
  const kube = await adminKube(bed.kubeconfig)
  const toConnect = await startRecorder(bed.connectUrl)
  const connect = createConnectClient({ url: bed.connectUrl })
  const kafka = createKafkaAdmin({ bootstrapServers: bed.bootstrapServers, clientId: 'bench' })
  const server = new Pool({ connectionString: bed.postgres.superuserUrl, max: 1 })
  await server.query(`CREATE ROLE ${database} LOGIN REPLICATION PASSWORD '${login.password}'`)
  await server.query(`CREATE DATABASE ${database} OWNER ${database}`)
  const url = new URL(bed.postgres.superuserUrl)
  url.pathname = `/${database}`
  const pool = new Pool({ connectionString: url.href, max: 2 })
  await kube.create(NAMESPACES, { metadata: { name: namespace } }, signal)
  await writeSecret(bed, namespace, 'db', login)
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', namespace }, stringData: login }
  await kube.apply(SECRETS, secret, 'bench', signal)
  const operator = await startOperator(bed.kubeconfig)
  const apply = (kind: 'Backbone' | 'Source', name: string, spec: object) =>
    kube.apply(
      typeOf(kind),
      { apiVersion: 'penstock.dev/v1alpha1', kind, metadata: { name, namespace }, spec },
      'bench',
      signal,
    )
  await apply('Backbone', 'main', backbone(bed, toConnect.url))
  return {
    ...{ bed, namespace, database, login, kube, kafka, connect, operator, toConnect, signal },
    sql: async (statement) => (await pool.query<Record<string, unknown>>(statement)).rows,
    source: async (name, { tables, ...spec }) => {
      const { host, port } = bed.postgres
      const postgres = { host, port, database, credentialsSecretRef: { name: 'db' } }
      const kept = tables.map((table) => ({ name: table, topic: KEPT }))
      await apply('Source', name, {
        ...{ backboneRef: { name: 'main' }, type: 'Postgres', postgres, tables: kept },
        ...spec,
      })
    },
    ready: (reason, count) =>
      until(`${count} Sources are ${reason}`, SECONDS_TO_READY, signal, async () => {
        const { items } = await kube.listIn(typeOf('Source'), namespace, {}, signal)
        return items.filter((item) => isReady(item, reason)).length === count
      }),
    removeSource: async (name) => {
      await kube.remove(typeOf('Source'), namespace, name, signal)
      await until(
        `Source ${name} is gone`,
        60,
        signal,
        async () => !(await kube.get(typeOf('Source'), namespace, name, signal)),
      )
    },
    close: async () => {
      await removeObjects(kube, namespace)
      await operator.stop()
      await pool.end()
      await server.query(`DROP DATABASE ${database} WITH (FORCE)`)
      await server.query(`DROP ROLE ${database}`)
      await Promise.all([server.end(), kafka.close(), connect.close(), kube.close(), toConnect.close()])
    },
  }
}

/** Looks ten times a second until it is so; throws when the time is up. */
export async function until(
  what: string,
  withinSeconds: number,
  signal: AbortSignal,
  is: () => Promise<boolean>,
): Promise<void> {
  const end = Date.now() + withinSeconds * 1_000
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`not within ${withinSeconds} s: ${what}`)
    await delay(100, undefined, { signal })
  }
}

const backbone = ({ bootstrapServers, secretsDir }: BedAddresses, url: string) => ({
  kafka: { bootstrapServers },
  connect: {
    type: 'External',
    external: {
      url,
      offsetFlushInterval: '1s',
      secrets: { type: 'Template', template: `\${directory:${secretsDir}/{namespace}/{name}:{key}}` },
    },
  },
  topicDefaults: { partitions: 1, replicationFactor: 1 },
})

function isReady(object: { readonly metadata: object; readonly status?: unknown }, reason: string): boolean {
  const { status, metadata } = object as {
    readonly metadata: { readonly generation?: number }
    readonly status?: { readonly conditions?: readonly Readonly<Record<string, unknown>>[] }
  }
  return (status?.conditions ?? []).some(
    (condition) =>
      condition['type'] === 'Ready' &&
      condition['status'] === 'True' &&
      condition['reason'] === reason &&
      condition['observedGeneration'] === metadata.generation,
  )
}

/** Asks for the removal of everything and waits until the operator has cleaned up. */
async function removeObjects(kube: KubeClient, namespace: string): Promise<void> {
  const signal = AbortSignal.timeout(120_000)
  for (const kind of ['Source', 'Backbone'] as const) {
    const names = async () =>
      (await kube.listIn(typeOf(kind), namespace, {}, signal)).items.map(({ metadata }) => metadata.name)
    for (const name of await names()) {
      await kube.remove(typeOf(kind), namespace, name, signal).catch((error: unknown) => {
        if (!isKubeError(error, 404)) throw error
      })
    }
    await until(`no ${kind} is left`, 110, signal, async () => (await names()).length === 0)
  }
  await kube.remove(NAMESPACES, undefined, namespace, signal)
}
