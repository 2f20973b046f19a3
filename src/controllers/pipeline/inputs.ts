import type { Pipeline, PipelineInput } from '../../api/pipeline.ts'
import type { Source } from '../../api/source/index.ts'
import { entryOf } from '../../api/source/tables.ts'
import type { TopicInput } from '../../contracts/workload.ts'
import { verdictOfError } from '../../external/drive.ts'
import { kafkaVerdict, topicsQuestion, topicsSeen } from '../../external/topics.ts'
import { Stalled, Waiting } from '../../lib/verdict.ts'
import { type KafkaOf, keyOf, type Services } from '../services.ts'
import { openSource, type SourceServices, sourceEpoch } from '../source/open.ts'
import { tablePolicy, tableTopic } from '../source/topics.ts'

/** An input with what its topic says of it. */
export interface ResolvedInput {
  readonly topic: TopicInput
  readonly partitions: number
  /** Latest: its topic keeps the last value of each key. */
  readonly policy: 'Latest' | 'History'
  /** The Source that it comes from, as namespace/name. */
  readonly source: string | undefined
}

/** Resolves every input of a Pipeline, by name; throws a verdict that names the input. */
export async function resolveInputs(
  services: SourceServices,
  pipeline: Pipeline,
  kafka: KafkaOf,
  user: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ResolvedInput>> {
  const resolved = await Promise.all(
    pipeline.spec.inputs.map(async (input) => {
      const known = input.sourceRef
        ? await fromSource(services, pipeline, input, input.sourceRef.name, signal)
        : fromTopic(input)
      return [input.name, await withTopic(services, kafka, known, user, signal)] as const
    }),
  )
  return new Map(resolved)
}

type Known = Omit<ResolvedInput, 'partitions' | 'policy'> & { readonly policy?: ResolvedInput['policy'] }

async function fromSource(
  services: SourceServices,
  pipeline: Pipeline,
  input: PipelineInput,
  sourceName: string,
  signal: AbortSignal,
): Promise<Known> {
  const { namespace } = pipeline.metadata
  const source = services.source(`${namespace}/${sourceName}`)
  if (!source) {
    throw new Waiting(
      'SourceNotFound',
      `input ${input.name}: Source ${sourceName} is not in namespace ${namespace}: create it, or correct spec.inputs[${input.name}].sourceRef.name`,
      30_000,
    )
  }
  const entry = input.table && entryOf(source.spec.tables, input.table)
  if (!entry || !input.table) {
    throw new Waiting(
      'TableNotCaptured',
      `input ${input.name}: Source ${sourceName} does not capture ${input.table}: add it to its spec.tables, or correct spec.inputs[${input.name}].table`,
      30_000,
    )
  }
  if (!source.status?.identity) {
    throw new Waiting(
      'SourceNotReady',
      `input ${input.name}: Source ${sourceName} has not started yet: see kubectl describe source ${sourceName}`,
      // The start of a Source wakes who refers to it.
      30_000,
    )
  }
  const table = { ...entry, name: input.table }
  const { shape, topicPrefix } = await readTable(services, source, table.name, signal).catch(
    (error: unknown) => {
      const verdict = verdictOfError(error)
      const reason = verdict.type === 'Failed' ? 'SourceNotReady' : verdict.reason
      throw new Waiting(reason, `input ${input.name}, Source ${sourceName}: ${verdict.message}`)
    },
  )
  return {
    topic: {
      name: input.name,
      topic: tableTopic(topicPrefix, table.name),
      format: 'Debezium',
      key: shape?.key ?? [],
      ...(shape ? { columns: shape.columns } : {}),
      epoch: sourceEpoch(source),
    },
    policy: tablePolicy(source, table).policy === 'Latest' ? 'Latest' : 'History',
    source: keyOf(source),
  }
}

async function readTable(services: SourceServices, source: Source, table: string, signal: AbortSignal) {
  const { database, topicPrefix } = await openSource(services, source, signal)
  return { topicPrefix, shape: (await database.tables(signal)).get(table) }
}

function fromTopic(input: PipelineInput): Known {
  const topic = input.topic
  if (topic === undefined)
    throw new Stalled('NoTopic', `input ${input.name} names neither a Source nor a topic`)
  return {
    topic: { name: input.name, topic, format: input.format ?? 'Debezium', key: [], epoch: '' },
    source: undefined,
  }
}

async function withTopic(
  { polls }: Services,
  { admin, address }: KafkaOf,
  known: Known,
  user: string,
  signal: AbortSignal,
): Promise<ResolvedInput> {
  const { topic: name } = known.topic
  const look = async (after?: number) => {
    const interest = { names: [name], fingerprint: topicsSeen }
    const found = await polls
      .readEach(topicsQuestion(address, admin), interest, user, signal, after)
      .catch(kafkaVerdict)
    return found.get(name)
  }
  // What is missing may have been made just now.
  const found = (await look()) ?? (await look(Date.now() - 1_000))
  if (!found) {
    throw new Waiting(
      'InputTopicNotFound',
      `input ${known.topic.name}: topic ${name} does not exist yet: its Source makes it, or correct spec.inputs`,
      2_000,
    )
  }
  return {
    ...known,
    partitions: found.partitions,
    policy:
      known.policy ?? (found.settings.get('cleanup.policy')?.includes('compact') ? 'Latest' : 'History'),
  }
}
