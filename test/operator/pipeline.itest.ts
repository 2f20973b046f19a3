import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PipelineSpec } from '../../src/api/pipeline.ts'
import type { ProcessorConfig } from '../../src/contracts/processor.ts'
import type { ResourceType } from '../../src/runtime/kube.ts'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)
const CONFIG_MAPS: ResourceType = { group: '', version: 'v1', plural: 'configmaps' }
const STATEFUL_SETS: ResourceType = { group: 'apps', version: 'v1', plural: 'statefulsets' }
const DEPLOYMENTS: ResourceType = { group: 'apps', version: 'v1', plural: 'deployments' }
const SERVICES: ResourceType = { group: '', version: 'v1', plural: 'services' }

// The API server has no node: pods are made and never run.
describe('a Pipeline', () => {
  let world: World
  const spec = (more: Partial<PipelineSpec> = {}): Omit<PipelineSpec, 'state'> => ({
    backboneRef: { name: 'main' },
    inputs: [{ name: 'orders', sourceRef: { name: 'shop' }, table: 'public.orders' }],
    flows: [
      { name: 'noted', from: ['orders'], steps: [{ filter: 'row.note != ""' }] },
      { name: 'by-note', from: ['orders'], steps: [{ key: 'row.note' }] },
    ],
    views: [{ name: 'orders', from: ['orders'], fields: ['id'] }],
    ...more,
  })
  const objectsOf = async (name: string) => ({
    config: await world.kube.get(CONFIG_MAPS, world.namespace, `${name}-processor`, signal()),
    processor: await world.kube.get(STATEFUL_SETS, world.namespace, `${name}-processor`, signal()),
    gateway: await world.kube.get(DEPLOYMENTS, world.namespace, `${name}-gateway`, signal()),
    service: await world.kube.get(SERVICES, world.namespace, `${name}-gateway`, signal()),
  })
  const topics = async (prefix: string) =>
    (await world.kafka.listTopics(signal())).filter((topic) => topic.startsWith(prefix)).sort()

  beforeAll(async () => {
    world = await createWorld('flow')
    await createTable(world, 'public.orders', 3)
    await world.apply('Backbone', 'main', backboneSpec())
  })
  afterAll(() => world?.close())

  it('waits for its Source by name, and goes on when that is there', async () => {
    await world.apply('Pipeline', 'p', spec())
    const waiting = await world.until('no Source', 'Pipeline', 'p', says('Ready', 'SourceNotFound'))
    expect(condition(waiting, 'Ready')?.message).toMatch(
      /input orders: Source shop is not in namespace .*: create it, or correct spec\.inputs\[orders\]\.sourceRef\.name/,
    )
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }]))
    await world.until('Source Ready', 'Source', 'shop', ready('True'))
    const made = await world.until('made', 'Pipeline', 'p', says('ProcessorAvailable', 'PodsNotReady'))
    expect(condition(made, 'TopicsReady')?.status).toBe('True')
    expect(condition(made, 'ExpressionsValid')?.status).toBe('True')
  })

  it('its topics, configuration and workloads are there, and no secret is in them', async () => {
    const prefix = `${world.namespace}.p.`
    expect(await topics(prefix)).toEqual([`${prefix}by-note`, `${prefix}by-note.state`, `${prefix}noted`])
    const settings = await world.kafka.topicSettings(await topics(prefix), signal())
    for (const [, topic] of settings) expect(topic.get('cleanup.policy')).toBe('compact')

    const { config, processor, gateway, service } = await objectsOf('p')
    expect([processor?.kind, gateway?.kind, service?.kind]).toEqual(['StatefulSet', 'Deployment', 'Service'])
    const text = config?.data?.['config.json'] ?? ''
    const written = JSON.parse(text) as ProcessorConfig
    expect(written.flows.map(({ name, as, state }) => [name, as, state.type])).toEqual([
      ['noted', 'Table', 'None'],
      ['by-note', 'Table', 'Topic'],
    ])
    expect(written.flows[0]?.inputs[0]).toMatchObject({
      topic: `${world.namespace}.shop.public.orders`,
      key: ['id'],
      columns: { id: 'int32', note: 'string' },
    })
    expect(text).not.toContain(world.password)
  })

  it('an expression that does not compile is Stalled with its place, changes nothing, and heals', async () => {
    const before = await objectsOf('p')
    await world.apply(
      'Pipeline',
      'p',
      spec({ flows: [{ name: 'noted', from: ['orders'], steps: [{ filter: 'row.nope == 1' }] }] }),
    )
    const stalled = await world.until('Stalled', 'Pipeline', 'p', says('Stalled', 'InvalidExpression'))
    expect(condition(stalled, 'Ready')?.message).toMatch(/spec\.flows\[noted\]\.steps\[0\]\.filter: .*nope/)
    expect((await objectsOf('p')).config?.data).toEqual(before.config?.data)
    await world.apply('Pipeline', 'p', spec())
    await world.until('again', 'Pipeline', 'p', says('ProcessorAvailable', 'PodsNotReady'))
  })

  it('loses its gateway with its last view, and only that', async () => {
    const { views: _views, ...rest } = spec()
    await world.apply('Pipeline', 'p', rest)
    await eventually('the gateway has gone', 20_000, async () => {
      const { gateway, service } = await objectsOf('p')
      return gateway || service ? undefined : true
    })
    const { processor, config } = await objectsOf('p')
    expect([processor?.kind, config?.kind]).toEqual(['StatefulSet', 'ConfigMap'])
    await world.apply('Pipeline', 'p', spec())
    await eventually('it is back', 20_000, async () => (await objectsOf('p')).gateway)
  })

  it('of views alone, nothing outlives it: it has no finalizer, no entry, and goes at once', async () => {
    const { flows: _flows, ...rest } = spec()
    await world.apply('Pipeline', 'v', rest)
    const made = await world.until('made', 'Pipeline', 'v', says('GatewayAvailable', 'PodsNotReady'))
    expect(made.metadata.finalizers ?? []).toEqual([])
    expect(made.status).toMatchObject({ resources: [] })
    await world.remove('Pipeline', 'v')
    await eventually('its gateway follows', 30_000, async () =>
      (await objectsOf('v')).gateway ? undefined : true,
    )
  })

  it('deleted, also without its Source, it leaves its outputs and nothing else', async () => {
    await world.remove('Source', 'shop')
    await world.gone('Source', 'shop')
    await world.remove('Pipeline', 'p')
    await world.gone('Pipeline', 'p')
    const prefix = `${world.namespace}.p.`
    expect(await topics(prefix)).toEqual([`${prefix}by-note`, `${prefix}noted`])
    const { gateway: _gateway, service: _service, ...own } = await objectsOf('p')
    expect(own).toEqual({ config: undefined, processor: undefined })
    await eventually('the gateway follows its owner', 30_000, async () => {
      const { gateway, service } = await objectsOf('p')
      return gateway || service ? undefined : true
    })
  })
})
