import { afterEach, describe, expect, inject, it } from 'vitest'
import { databaseObjectName } from '../../src/api/names.ts'
import type { SourceSpec } from '../../src/api/source/index.ts'
import { startProxy, type TcpProxy } from '../proxy.ts'
import { eventually } from './eventually.ts'
import { NAMESPACES, SECRETS, typeOf } from './kube.ts'
import { eventNotes } from './notes.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { startOperator } from './process.ts'
import { createWorld, type Seen, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)
const TABLES = [{ name: 'public.orders' }]
/** A namespace that ends, with everything in it. */
const NAMESPACE_MS = 60_000
const SENTENCE_MS = 30_000

const portOf = (url: string): number => Number(new URL(url).port)
const messageOf = (source: Seen): string => condition(source, 'CleanupPending')?.message ?? ''

describe('a Source that is deleted', () => {
  const open: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close()
  })

  /** The namespace of a world's operator, which does not end with that of its objects. */
  const homeOf = ({ namespace }: Pick<World, 'namespace'>) => `${namespace}-operator`

  /** A world with a table, and an operator that keeps what cleanups need. */
  async function begin(prefix: string): Promise<World> {
    const world = await createWorld(prefix, async (made) => {
      const home = homeOf(made)
      if (!(await made.kube.get(NAMESPACES, undefined, home, signal())))
        await made.kube.create(NAMESPACES, { metadata: { name: home } }, signal())
      return startOperator(inject('testBed').kubeconfig, ['--namespace', home])
    })
    open.push(world, { close: () => world.kube.remove(NAMESPACES, undefined, homeOf(world), signal()) })
    await createTable(world, 'public.orders', 1)
    return world
  }

  async function proxied(port: number): Promise<TcpProxy> {
    const proxy = await startProxy(port)
    open.push(proxy)
    return proxy
  }

  const isReady = (world: World) => world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), 60_000)

  async function make(world: World, more: Partial<SourceSpec> = {}, connectUrl?: string): Promise<void> {
    await world.apply('Backbone', 'main', backboneSpec(connectUrl))
    await world.apply(
      'Source',
      'shop',
      sourceSpec(world, TABLES, { onDelete: { topics: 'Delete' }, ...more }),
    )
    await isReady(world)
  }

  /** What an operator keeps for a Source. */
  async function keptBy(world: World) {
    const { items } = await world.kube.listIn(
      SECRETS,
      homeOf(world),
      { labelSelector: `penstock.dev/owner-namespace=${world.namespace}` },
      signal(),
    )
    return items
  }

  /** Everything that is there because of the Source. */
  async function outside(world: World) {
    const { connect, kafka, sql, database, namespace } = world
    const name = `${namespace}.shop`
    const slots = await sql(`select 1 from pg_replication_slots where database = '${database}'`)
    return {
      connectors: [...(await connect.connectors(signal())).keys()].filter((one) => one === name).length,
      offsets: (await connect.offsets(name, signal())) ?? 'none',
      slots: slots.length,
      publications: (await sql('select 1 from pg_publication')).length,
      topics: (await kafka.listTopics(signal())).filter((topic) => topic.includes(name)),
      kept: (await keptBy(world)).length,
    }
  }
  const NOTHING = { connectors: 0, offsets: 'none', slots: 0, publications: 0, topics: [], kept: 0 }
  const becomesNothing = async (world: World) => {
    expect(await outside(world)).toEqual(NOTHING)
  }

  it('with its whole namespace takes everything along', async () => {
    const world = await begin('whole')
    await make(world)
    const [kept] = await keptBy(world)
    const source = await world.get('Source', 'shop')
    expect(kept?.metadata.labels?.['penstock.dev/owner-uid']).toBe(source?.metadata.uid)
    await world.kube.remove(NAMESPACES, undefined, world.namespace, signal())
    await eventually(
      'the namespace is gone',
      NAMESPACE_MS,
      async () =>
        (await world.kube.get(NAMESPACES, undefined, world.namespace, signal())) ? undefined : true,
      () => world.operator().log(),
    )
    await becomesNothing(world)
  })

  it('with its Backbone and Secret while no operator is there is cleaned up by the next one', async () => {
    const world = await begin('absent')
    await make(world)
    const before = (await keptBy(world)).map(({ metadata }) => metadata.resourceVersion)
    await world.stopOperator()
    await world.startOperator()
    await isReady(world)
    expect((await keptBy(world)).map(({ metadata }) => metadata.resourceVersion)).toEqual(before)
    await world.stopOperator()
    await world.remove('Backbone', 'main')
    await world.remove('Source', 'shop')
    await world.forgetLogin('db')
    await world.startOperator()
    await world.gone('Source', 'shop')
    await world.gone('Backbone', 'main')
    await becomesNothing(world)
  })

  it('after its Backbone went by force, and with its status wiped, is cleaned up by what was kept', async () => {
    const world = await begin('forced')
    await make(world)
    await world.stopOperator()
    await world.remove('Backbone', 'main')
    await world.kube.merge(
      typeOf('Backbone'),
      world.namespace,
      'main',
      { metadata: { finalizers: [] } },
      signal(),
    )
    await world.gone('Backbone', 'main')
    await world.forgetLogin('db')
    await world.wipeStatus('Source', 'shop')
    await world.remove('Source', 'shop')
    await world.startOperator()
    await world.gone('Source', 'shop')
    await becomesNothing(world)
  })

  it('and was never resolved goes at once', async () => {
    const world = await begin('never')
    await world.apply('Source', 'shop', sourceSpec(world, TABLES))
    await world.until('BackboneNotFound', 'Source', 'shop', says('ReferencesResolved', 'BackboneNotFound'))
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
  })

  it('while the database is away waits for it, with the connector gone already', async () => {
    const world = await begin('dark')
    const { port } = inject('testBed').postgres
    const proxy = await proxied(port)
    const postgres = { ...sourceSpec(world, TABLES).postgres, port: proxy.port }
    await make(world, { postgres } as Partial<SourceSpec>)
    proxy.refuse(true)
    await world.remove('Source', 'shop')
    const pending = await world.until(
      'DatabaseUnreachable',
      'Source',
      'shop',
      says('CleanupPending', 'DatabaseUnreachable'),
      SENTENCE_MS,
    )
    const name = databaseObjectName({ namespace: world.namespace, name: 'shop' })
    expect(messageOf(pending)).toContain(`ReplicationSlot ${name}, Publication ${name} (the database at`)
    expect(messageOf(pending)).toContain('To leave it behind, set annotation penstock.dev/abandon=true')
    expect(await outside(world)).toMatchObject({ connectors: 0, slots: 1, publications: 1, topics: [] })
    proxy.refuse(false)
    await world.gone('Source', 'shop')
    await becomesNothing(world)
  })

  it('while Connect is away says what is left; abandoned, it goes, and Events tell how to remove that', async () => {
    const world = await begin('alone')
    const proxy = await proxied(portOf(inject('testBed').connectUrl))
    const url = `http://127.0.0.1:${proxy.port}`
    await make(world, {}, url)
    proxy.refuse(true)
    await world.remove('Source', 'shop')
    const pending = await world.until(
      'ConnectUnreachable',
      'Source',
      'shop',
      says('CleanupPending', 'ConnectUnreachable'),
      SENTENCE_MS,
    )
    const connector = `${world.namespace}.shop`
    expect(messageOf(pending)).toContain(
      `left to remove: Connector ${connector} (Kafka Connect at ${url} does not answer`,
    )
    await world.annotate('Source', 'shop', { 'penstock.dev/abandon': 'true' })
    await world.gone('Source', 'shop')
    const notes = await eventNotes(world)
    expect(notes).toContainEqual(
      `Connector ${connector} was left behind: curl -X PUT ${url}/connectors/${connector}/stop; curl -X DELETE ${url}/connectors/${connector}/offsets; curl -X DELETE ${url}/connectors/${connector}`,
    )
    const slot = databaseObjectName({ namespace: world.namespace, name: 'shop' })
    expect(notes.join('\n')).toContain(`SELECT pg_drop_replication_slot('${slot}') in database`)
    expect(await keptBy(world)).toEqual([])
  })

  it('leaves a slot that the spec names, and that was there before and never its own', async () => {
    const world = await begin('theirs')
    const name = `${world.role}_theirs`
    await world.sql(`select pg_create_logical_replication_slot('${name}', 'pgoutput')`)
    const postgres = { ...sourceSpec(world, TABLES).postgres, slot: { name } }
    await world.apply('Backbone', 'main', backboneSpec())
    await world.apply('Source', 'shop', sourceSpec(world, TABLES, { postgres } as Partial<SourceSpec>))
    await world.until('SlotExists', 'Source', 'shop', says('SourceRetained', 'SlotExistsBeforeSnapshot'))
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
    expect(
      await world.sql('select slot_name from pg_replication_slots where database = current_database()'),
    ).toEqual([{ slot_name: name }])
  })
})
