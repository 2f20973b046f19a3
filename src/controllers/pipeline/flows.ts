import { defaultFlowTopic, groupName, stateTopic } from '../../api/names.ts'
import type { Pipeline, PipelineFlow } from '../../api/pipeline.ts'
import type { FlowConfig, Step } from '../../contracts/processor.ts'
import type { TopicInput } from '../../contracts/workload.ts'
import { policySettings, type TopicWish } from '../../external/topics.ts'
import { hashOf } from '../../lib/json.ts'
import { Stalled } from '../../lib/verdict.ts'
import { columnsAfter } from './expressions.ts'
import type { ResolvedInput } from './inputs.ts'

/** A flow with everything resolved: what the processor runs and the topics that it needs. */
export interface PlannedFlow {
  readonly config: FlowConfig
  readonly output: TopicWish
  readonly state: TopicWish | undefined
  /** The output as an input of another flow or of a view. */
  readonly asInput: ResolvedInput
}

/** Topics' replication and further settings, from the Backbone. */
export interface TopicDefaults {
  readonly replicationFactor?: number
  readonly config: Readonly<Record<string, string>>
}

/** Plans a Pipeline's flows, those that read others after them; throws Stalled for what cannot hold. Pure. */
export function planFlows(
  pipeline: Pipeline,
  inputs: ReadonlyMap<string, ResolvedInput>,
  defaults: TopicDefaults,
): readonly PlannedFlow[] {
  const planned = new Map<string, PlannedFlow>()
  const waiting = [...(pipeline.spec.flows ?? [])]
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ from }) => from.every((name) => inputs.has(name) || planned.has(name)))
    const [flow] = next < 0 ? [] : waiting.splice(next, 1)
    if (!flow) {
      const names = waiting.map(({ name }) => name).join(', ')
      throw new Stalled(
        'FlowCycle',
        `flows ${names} read one another in a ring: take one of the from apart in spec.flows`,
      )
    }
    const sources = flow.from.flatMap((name) => inputs.get(name) ?? planned.get(name)?.asInput ?? [])
    planned.set(flow.name, planFlow(pipeline, flow, sources, defaults))
  }
  return (pipeline.spec.flows ?? []).flatMap(({ name }) => planned.get(name) ?? [])
}

function planFlow(
  pipeline: Pipeline,
  flow: PipelineFlow,
  sources: readonly ResolvedInput[],
  defaults: TopicDefaults,
): PlannedFlow {
  const { metadata } = pipeline
  const as = flow.as ?? (sources.every(({ policy }) => policy === 'Latest') ? 'Table' : 'Stream')
  const policy = flow.to?.policy ?? 'Latest'
  const steps = (flow.steps ?? []).map(stepOf)
  refuseImpossible(pipeline, flow, as, policy, sources, steps)
  const topic = flow.to?.topic ?? defaultFlowTopic(metadata, flow.name)
  const partitions = flow.to?.partitions ?? Math.max(...sources.map((source) => source.partitions))
  const state = stateOf(as, policy, flow.to?.retention, steps, topic)
  const wish = (name: string, settings: Readonly<Record<string, string>>, count: number): TopicWish => ({
    name,
    partitions: count,
    ...(defaults.replicationFactor === undefined ? {} : { replicationFactor: defaults.replicationFactor }),
    config: { ...defaults.config, ...settings },
    keyed: settings['cleanup.policy'] !== 'delete',
  })
  const inputs = sources.map((source) => source.topic)
  const config: FlowConfig = {
    name: flow.name,
    group: groupName(metadata, flow.name),
    as,
    start: flow.start ?? 'Earliest',
    events: (flow.events ?? ['Insert', 'Update', 'Read']).map((event) => OPERATIONS[event]),
    inputs,
    steps,
    output: { topic, partitions },
    state,
  }
  // A Table's entry lies in its input record's partition, a Stream's in its output's.
  const statePartitions =
    as === 'Table' ? Math.max(...sources.map((source) => source.partitions)) : partitions
  return {
    config,
    output: wish(topic, policySettings(policy, flow.to?.retention), partitions),
    state:
      state.type === 'Topic'
        ? wish(state.topic, policySettings('Latest', undefined), statePartitions)
        : undefined,
    asInput: {
      topic: outputAsInput(flow, topic, steps, inputs),
      partitions,
      policy: policy === 'Latest' ? 'Latest' : 'History',
      source: undefined,
    },
  }
}

const OPERATIONS = { Insert: 'c', Update: 'u', Delete: 'd', Read: 'r' } as const

/** The CRD lets only steps with exactly one verb pass. */
function stepOf({ filter, map, drop, key, reduce }: NonNullable<PipelineFlow['steps']>[number]): Step {
  if (filter !== undefined) return { filter }
  if (map) return { map }
  if (drop) return { drop }
  if (key !== undefined) return { key }
  if (reduce?.latest) return { reduce: { latest: {} } }
  throw new Stalled('StepWithoutVerb', 'a step has none of filter, map, drop, key, reduce')
}

const has = (steps: readonly Step[], verb: string): boolean => steps.some((step) => verb in step)

function refuseImpossible(
  pipeline: Pipeline,
  flow: PipelineFlow,
  as: 'Table' | 'Stream',
  policy: string,
  sources: readonly ResolvedInput[],
  steps: readonly Step[],
): void {
  const where = `spec.flows[${flow.name}]`
  const keyless = sources.find(
    ({ topic }) => topic.format === 'Debezium' && topic.columns && topic.key.length === 0,
  )
  if (keyless && as === 'Table') {
    throw new Stalled(
      'TableNeedsKey',
      `${where}: input ${keyless.topic.name} has no key, and a Table is a function of keyed rows: set as to Stream, or give the Source's table a key`,
    )
  }
  if (keyless && policy === 'Latest' && !has(steps, 'key')) {
    throw new Stalled(
      'LatestNeedsKey',
      `${where}: input ${keyless.topic.name} has no key, and policy Latest keeps one record a key: add a step key, or set to.policy to History with a retention`,
    )
  }
  const replicas = pipeline.spec.processor?.replicas ?? 1
  if (replicas > 1 && has(steps, 'key')) {
    throw new Stalled(
      'ReplicasNeedRepartition',
      `${where} changes the key, which needs one owner a key: set spec.processor.replicas to 1`,
    )
  }
}

/** Where a flow remembers what it has produced; see docs: state. */
function stateOf(
  as: 'Table' | 'Stream',
  policy: string,
  retention: string | undefined,
  steps: readonly Step[],
  topic: string,
): FlowConfig['state'] {
  const remembers = as === 'Table' ? has(steps, 'key') || has(steps, 'reduce') : has(steps, 'reduce')
  if (!remembers) return { type: 'None' }
  const outputHoldsAll = as === 'Stream' && policy === 'Latest' && retention === undefined
  return outputHoldsAll ? { type: 'Output' } : { type: 'Topic', topic: stateTopic(topic) }
}

/** Columns survive steps that only leave things out; after a map they are what the values say. */
function outputAsInput(
  flow: PipelineFlow,
  topic: string,
  steps: readonly Step[],
  inputs: readonly TopicInput[],
): TopicInput {
  const [first] = inputs
  const columns = inputs.length === 1 ? steps.reduce(columnsAfter, first?.columns) : undefined
  return {
    name: flow.name,
    topic,
    format: 'Row',
    key: [],
    ...(columns ? { columns } : {}),
    epoch: hashOf([flow, inputs.map(({ epoch }) => epoch)]),
  }
}
