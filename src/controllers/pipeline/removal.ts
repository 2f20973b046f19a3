import { defaultFlowTopic, groupName, stateTopic, workloadName } from '../../api/names.ts'
import type { Pipeline } from '../../api/pipeline.ts'
import {
  type ExternalResource,
  type PlannedRemoval,
  type ResourceId,
  resource,
} from '../../external/contract.ts'
import { consumerGroup } from '../../external/group.ts'
import { type TopicWish, topicSet } from '../../external/topics.ts'
import { workload } from '../../external/workload.ts'
import type { Prepared } from '../controller.ts'
import { namesOf, STATUS_PORT } from './manifests.ts'
import type { OpenPipeline, PipelineServices } from './open.ts'

/** Name of a Pipeline's output topics in the ledger. */
export const outputsName = ({ metadata }: Pipeline): string =>
  `${metadata.namespace}.${metadata.name}.outputs`
/** Name of a Pipeline's state topics in the ledger. */
export const stateName = ({ metadata }: Pipeline): string => `${metadata.namespace}.${metadata.name}.state`

/**
 * What stands in the ledger of a Pipeline: known from its spec alone, so that it can be taken away without its inputs.
 * A gateway does not: it goes with its owner. A processor does too, but it has to go before its topics and groups.
 */
export function ledgerOf(pipeline: Pipeline): readonly PlannedRemoval[] {
  const { metadata, spec } = pipeline
  const { outputs = 'Retain', state = 'Delete', groups = 'Delete' } = spec.onDelete ?? {}
  const flows = spec.flows ?? []
  const planned = (kind: string, name: string, onRemove: PlannedRemoval['onRemove']) => ({
    id: { kind, name },
    onRemove,
  })
  return [
    ...(flows.length > 0
      ? [planned('TopicSet', outputsName(pipeline), outputs), planned('TopicSet', stateName(pipeline), state)]
      : []),
    ...flows.map(({ name }) => planned('ConsumerGroup', groupName(metadata, name), groups)),
    ...(flows.length > 0 ? [planned('Workload', workloadName(metadata, 'processor'), 'Delete')] : []),
  ]
}

type Doomed = Pick<OpenPipeline, 'pipeline' | 'kafka' | 'user'>

/** A plan of which only the ledger and the remover are used: its inputs may be gone already. */
export function planRemoval(services: PipelineServices, doomed: Doomed): Prepared {
  return {
    plan: { stages: [], ledger: ledgerOf(doomed.pipeline) },
    remover: remover(services, doomed),
    report: () => Promise.reject(new Error('a Pipeline that is deleted reports nothing')),
  }
}

/** The thing behind an entry of a Pipeline's ledger. */
export function remover(
  { polls, kube, askPod, now }: Pick<PipelineServices, 'polls' | 'kube' | 'askPod' | 'now'>,
  { pipeline, kafka, user }: Doomed,
): (id: ResourceId) => ExternalResource | undefined {
  const context = { admin: kafka.admin, kafka: kafka.address, polls, user }
  return ({ kind, name }) => {
    switch (kind) {
      case 'TopicSet':
        return resource(topicSet(context, name, topicsOf(pipeline, name === stateName(pipeline))))
      case 'ConsumerGroup':
        return resource(consumerGroup(kafka.admin, name))
      case 'Workload':
        // That of a gateway was written down once, and is the collector's.
        if (name !== workloadName(pipeline.metadata, 'processor')) return undefined
        return resource(
          workload(
            { kube, polls, user, ask: askPod, now, note: () => '' },
            {
              name,
              namespace: pipeline.metadata.namespace,
              manifests: namesOf(pipeline, 'processor'),
              replicas: 0,
              hash: '',
              statusPort: STATUS_PORT,
            },
          ),
        )
      default:
        return undefined
    }
  }
}

/** For a removal a topic's name is all that matters. */
function topicsOf({ metadata, spec }: Pipeline, state: boolean): readonly TopicWish[] {
  return (spec.flows ?? []).map(({ name, to }) => {
    const output = to?.topic ?? defaultFlowTopic(metadata, name)
    return { name: state ? stateTopic(output) : output, partitions: 1, config: {}, keyed: false }
  })
}
