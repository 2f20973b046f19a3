import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../../dev/data/database.ts'
import { startDataStack } from '../../dev/data/stack.ts'
import { reservePorts } from '../../dev/lib/ports.ts'
import type { SourceSpec } from '../../src/api/source/index.ts'
import { createKafkaAdmin } from '../../src/clients/kafka/admin.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { type Recorder, startRecorder } from './recorder.ts'
import { createWorld, kafkaOf, type World } from './world.ts'

const signal = () => AbortSignal.timeout(60_000)
const SENTENCE_MS = 30_000

describe('another system behind the same name', () => {
  let world: World
  const ends: (() => Promise<void>)[] = []
  const source = (more: Partial<SourceSpec['postgres']> = {}) => {
    const spec = sourceSpec(world, [{ name: 'public.orders' }])
    return { ...spec, postgres: { ...spec.postgres, ...more } }
  }
  const isReady = () => world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), 60_000)
  const stalled = (reason: string) =>
    world.until(
      reason,
      'Source',
      'shop',
      (object) => condition(object, 'Stalled')?.reason === reason,
      SENTENCE_MS,
    )
  const config = () => world.connect.config(`${world.namespace}.shop`, signal())

  beforeAll(async () => {
    world = await createWorld('other')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', source())
    await isReady()
  })
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  afterAll(() => world?.close())

  /** A server of its own with the world's role and an empty database of the same name, and a question to it. */
  async function another(): Promise<{
    readonly port: number
    sql(statement: string): Promise<readonly unknown[]>
  }> {
    const dir = await mkdtemp(join(tmpdir(), 'penstock-other-'))
    await chmod(dir, 0o755)
    const block = await reservePorts({ count: 1 }, signal())
    const [port = 0] = block.ports
    const { server } = await createDatabase(
      { dir, listenHost: '127.0.0.1', port },
      { progress: () => undefined, signal: signal() },
    )
    await server.start(signal())
    ends.push(async () => {
      await server.stop()
      await block.release()
      await rm(dir, { recursive: true, force: true })
    })
    const open = async (database: string) => {
      const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database })
      await client.connect()
      ends.push(() => client.end())
      return client
    }
    const postgres = await open('postgres')
    await postgres.query(`CREATE ROLE ${world.role} LOGIN REPLICATION PASSWORD '${world.password}'`)
    await postgres.query(`CREATE DATABASE ${world.database} OWNER ${world.role}`)
    const client = await open(world.database)
    return { port, sql: async (statement) => (await client.query(statement)).rows as unknown[] }
  }

  it('another Kafka Connect is not written to, and the former one is gone on with', async () => {
    const recorder: Recorder = await startRecorder(inject('testBed').connectUrl)
    ends.push(() => recorder.close())
    const before = await config()
    await world.apply('Backbone', 'main', backboneSpec(recorder.url))
    const found = await stalled('DifferentConnect')
    expect(condition(found, 'Stalled')?.message).toMatch(
      /another Kafka Connect .*put the former address back, or make another Source/,
    )
    expect(recorder.writes).toEqual([])
    await world.apply('Backbone', 'main', backboneSpec())
    await isReady()
    expect(await config()).toEqual(before)
  })

  it('another Kafka is not written to, and the former one is gone on with', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'penstock-other-'))
    const other = await startDataStack({ dir, progress: () => undefined, signal: signal() })
    ends.push(() => other.discard())
    const kafka = createKafkaAdmin(
      kafkaOf({ ...inject('testBed'), bootstrapServers: other.bootstrapServers }),
    )
    ends.push(() => kafka.close())
    const before = [await config(), await kafka.listTopics(signal())]
    const spec = backboneSpec()
    const bootstrapServers = [...other.bootstrapServers]
    await world.apply('Backbone', 'main', { ...spec, kafka: { ...spec.kafka, bootstrapServers } })
    const found = await stalled('DifferentKafka')
    expect(condition(found, 'Stalled')?.message).toMatch(
      /another Kafka cluster .*put the former address back, or make another Source/,
    )
    expect([await config(), await kafka.listTopics(signal())]).toEqual(before)
    await world.apply('Backbone', 'main', spec)
    await isReady()
    expect(await config()).toEqual(before[0])
  })

  it('another database is not touched, neither by the Source nor by its end', async () => {
    const { port, sql } = await another()
    const before = await config()
    await world.apply('Source', 'shop', source({ port }))
    await stalled('DifferentDatabase')
    expect(await config()).toEqual(before)
    await world.remove('Source', 'shop')
    const pending = await world.until(
      'DifferentDatabase',
      'Source',
      'shop',
      says('CleanupPending', 'DifferentDatabase'),
      SENTENCE_MS,
    )
    expect(condition(pending, 'CleanupPending')?.message).toMatch(/ReplicationSlot \S+, Publication \S+ \(/)
    expect(await sql('select 1 from pg_publication')).toEqual([])
    expect(await sql('select 1 from pg_replication_slots')).toEqual([])
    await world.apply('Source', 'shop', source())
    await world.gone('Source', 'shop')
    expect(await world.sql('select 1 from pg_publication')).toEqual([])
  })
})
