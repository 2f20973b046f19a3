import { describe, expect, it } from 'vitest'

import type { PipelineFlow, PipelineSpec } from '../../api/pipeline.ts'
import { planFlows } from './flows.ts'
import type { ResolvedInput } from './inputs.ts'
import { pipelineOf } from './testing.ts'

const input = (name: string, more: Partial<ResolvedInput> = {}, key: readonly string[] = ['id']) =>
  [
    name,
    {
      topic: {
        name,
        topic: `t.${name}`,
        format: 'Debezium',
        key,
        columns: { id: 'int32', note: 'string' },
        epoch: `e-${name}`,
      },
      partitions: 3,
      policy: 'Latest',
      source: 'ns/shop',
      ...more,
    },
  ] as const satisfies readonly [string, ResolvedInput]

const INPUTS = [
  input('orders'),
  input('visits', { policy: 'History', partitions: 6 }),
  input('keyless', { policy: 'History' }, []),
]
const inputs: ReadonlyMap<string, ResolvedInput> = new Map(INPUTS)

const plan = (flows: readonly PipelineFlow[], more: Partial<PipelineSpec> = {}) =>
  planFlows(pipelineOf({ flows: [...flows], ...more }), inputs, { replicationFactor: 1, config: {} })
const planOne = (flow: Omit<PipelineFlow, 'name'>) => {
  const [planned] = plan([{ name: 'f', ...flow }])
  if (!planned) throw new Error('no flow was planned')
  return planned
}

describe('a flow without more said', () => {
  it('has its own group, topic and every event', () => {
    expect(planOne({ from: ['orders'] }).config).toMatchObject({
      name: 'f',
      group: 'penstock.ns.p.f',
      start: 'Earliest',
      events: ['c', 'u', 'r'],
      output: { topic: 'ns.p.f', partitions: 3 },
    })
  })

  it.each<readonly [string, readonly string[], 'Table' | 'Stream']>([
    ['a topic that keeps the latest is read as a Table', ['orders'], 'Table'],
    ['one that keeps a history as a Stream', ['visits'], 'Stream'],
    ['both together as a Stream', ['orders', 'visits'], 'Stream'],
  ])('%s', (_name, from, as) => {
    expect(planOne({ from: [...from] }).config.as).toBe(as)
  })

  it('has as many partitions as the widest of its inputs', () => {
    expect(planOne({ from: ['orders', 'visits'] }).output.partitions).toBe(6)
  })
})

describe('the order of flows', () => {
  it('is that of the spec, whoever reads whom', () => {
    const planned = plan([
      { name: 'b', from: ['a'] },
      { name: 'a', from: ['orders'] },
    ])
    expect(planned.map(({ config }) => config.name)).toEqual(['b', 'a'])
    expect(planned[0]?.config.inputs[0]).toMatchObject({ name: 'a', topic: 'ns.p.a', format: 'Row' })
  })

  it('a ring of flows is named', () => {
    const ring = () =>
      plan([
        { name: 'a', from: ['b'] },
        { name: 'b', from: ['a'] },
        { name: 'c', from: ['orders'] },
      ])
    expect(ring).toThrow(expect.objectContaining({ name: 'Stalled', reason: 'FlowCycle' }))
    expect(ring).toThrow(/flows a, b read one another in a ring/)
  })
})

describe('where a flow remembers', () => {
  const key = { key: 'string(row.id)' }
  const latest = { reduce: { latest: {} } }
  it.each<readonly [string, Omit<PipelineFlow, 'name'>, ReturnType<typeof planOne>['config']['state']]>([
    ['nowhere, where it only filters', { from: ['orders'], steps: [{ filter: 'true' }] }, { type: 'None' }],
    [
      'in a topic of its own, where a Table changes the key',
      { from: ['orders'], steps: [key] },
      { type: 'Topic', topic: 'ns.p.f.state' },
    ],
    ['nowhere, where a Stream changes the key', { from: ['visits'], steps: [key] }, { type: 'None' }],
    ['in its output, where a Stream reduces', { from: ['visits'], steps: [key, latest] }, { type: 'Output' }],
    [
      'in a topic of its own, where that output forgets',
      { from: ['visits'], steps: [latest], to: { retention: '7d' } },
      { type: 'Topic', topic: 'ns.p.f.state' },
    ],
    [
      'in a topic of its own, where that output is a history',
      { from: ['visits'], steps: [latest], to: { policy: 'History', retention: '7d' } },
      { type: 'Topic', topic: 'ns.p.f.state' },
    ],
  ])('%s', (_name, flow, state) => {
    const planned = planOne(flow)
    expect(planned.config.state).toEqual(state)
    expect(planned.state?.name).toBe(state.type === 'Topic' ? state.topic : undefined)
    if (planned.state) expect(planned.state.config['cleanup.policy']).toBe('compact')
  })
})

describe('what cannot hold', () => {
  it.each<readonly [string, Omit<PipelineFlow, 'name'>, Partial<PipelineSpec>, string, RegExp]>([
    [
      'a Table of rows without a key',
      { from: ['keyless'], as: 'Table' },
      {},
      'TableNeedsKey',
      /input keyless has no key.*set as to Stream/,
    ],
    [
      'the latest of each key, where there is none',
      { from: ['keyless'] },
      {},
      'LatestNeedsKey',
      /add a step key, or set to\.policy to History/,
    ],
    [
      'a new key with several owners',
      { from: ['visits'], steps: [{ key: 'string(row.id)' }] },
      { processor: { replicas: 2 } },
      'ReplicasNeedRepartition',
      /set spec\.processor\.replicas to 1/,
    ],
  ])('%s', (_name, flow, spec, reason, sentence) => {
    const act = () => plan([{ name: 'f', ...flow }], spec)
    expect(act).toThrow(expect.objectContaining({ name: 'Stalled', reason }))
    expect(act).toThrow(sentence)
  })

  it.each<readonly [string, Omit<PipelineFlow, 'name'>]>([
    ['a step key gives rows without a key one', { from: ['keyless'], steps: [{ key: 'row.note' }] }],
    ['a history needs none', { from: ['keyless'], to: { policy: 'History', retention: '1d' } }],
  ])('%s', (_name, flow) => {
    expect(() => planOne(flow)).not.toThrow()
  })
})

describe('the output as an input', () => {
  it('keeps the columns through steps that leave things out, and loses them in a map', () => {
    const columnsOf = (flow: Omit<PipelineFlow, 'name'>) => planOne(flow).asInput.topic.columns
    expect(columnsOf({ from: ['orders'], steps: [{ filter: 'true' }] })).toEqual({
      id: 'int32',
      note: 'string',
    })
    expect(columnsOf({ from: ['orders'], steps: [{ map: { x: 'row.id' } }] })).toBeUndefined()
    expect(columnsOf({ from: ['orders', 'visits'] })).toBeUndefined()
  })

  it('does not promise a column that a step drops', () => {
    expect(planOne({ from: ['orders'], steps: [{ drop: ['note'] }] }).asInput.topic.columns).toEqual({
      id: 'int32',
    })
  })

  it('has another epoch when the flow or the source behind it is another', () => {
    const epoch = (flow: Omit<PipelineFlow, 'name'>) => planOne(flow).asInput.topic.epoch
    expect(epoch({ from: ['orders'] })).toBe(epoch({ from: ['orders'] }))
    expect(epoch({ from: ['orders'], steps: [{ filter: 'true' }] })).not.toBe(epoch({ from: ['orders'] }))
    expect(epoch({ from: ['visits'] })).not.toBe(epoch({ from: ['orders'] }))
  })

  it('a topic that keeps the latest is keyed, a history is not', () => {
    expect(planOne({ from: ['orders'] }).output.keyed).toBe(true)
    expect(planOne({ from: ['orders'], to: { policy: 'History', retention: '1d' } }).output.keyed).toBe(false)
  })
})
