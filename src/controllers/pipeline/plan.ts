import { workloadName } from '../../api/names.ts'
import type { Pipeline } from '../../api/pipeline.ts'
import type { GatewayConfig, ViewConfig } from '../../contracts/gateway.ts'
import type { ProcessorConfig } from '../../contracts/processor.ts'
import { check } from '../../external/check.ts'
import { type ExternalResource, resource } from '../../external/contract.ts'
import { topicSet } from '../../external/topics.ts'
import { type Manifest, noWorkload, type WorkloadContext, workload } from '../../external/workload.ts'
import { hashOf } from '../../lib/json.ts'
import type { Prepared } from '../controller.ts'
import { keyOf } from '../services.ts'
import { checkExpressions, type ViewInput } from './expressions.ts'
import type { PlannedFlow } from './flows.ts'
import { lagSeen, recordPods } from './lag.ts'
import {
  gatewayManifests,
  kafkaAccess,
  namesOf,
  processorManifests,
  STATUS_PORT,
  type WorkloadInput,
} from './manifests.ts'
import type { OpenPipeline, PipelineServices } from './open.ts'
import { ledgerOf, outputsName, remover, stateName } from './removal.ts'
import { reportPipeline } from './report.ts'

/** Everything that exists because of a Pipeline. */
export function planPipeline(services: PipelineServices, open: OpenPipeline): Prepared {
  const { pipeline, flows, views } = open
  const workloads = workloadsOf(services, open)
  const expressions = check('expressions', async () =>
    checkExpressions(
      flows.map(({ config }) => config),
      views,
    ),
  )
  return {
    plan: {
      stages: [
        { condition: 'ExpressionsValid', members: [resource(expressions)] },
        { condition: 'TopicsReady', members: topicSets(services, open) },
        { condition: 'ProcessorAvailable', members: [workloads.processor] },
        // Views of plain inputs are served whatever becomes of the flows.
        {
          condition: 'GatewayAvailable',
          members: [workloads.gateway],
          needs: ['ExpressionsValid', 'TopicsReady'],
        },
      ],
      ledger: ledgerOf(pipeline),
    },
    remover: remover(services, open),
    report: (driven) => Promise.resolve(reportPipeline(services, open, driven)),
  }
}

function topicSets(
  { polls }: PipelineServices,
  { pipeline, kafka, user, flows }: OpenPipeline,
): readonly ExternalResource[] {
  const context = { admin: kafka.admin, kafka: kafka.address, polls, user }
  const outputs = flows.map(({ output }) => output)
  const states = flows.flatMap(({ state }) => state ?? [])
  return [
    ...(outputs.length > 0 ? [resource(topicSet(context, outputsName(pipeline), outputs))] : []),
    ...(states.length > 0 ? [resource(topicSet(context, stateName(pipeline), states))] : []),
  ]
}

function workloadsOf(
  services: PipelineServices,
  open: OpenPipeline,
): Readonly<Record<WorkloadInput['role'], ExternalResource>> {
  const { pipeline, backbone, flows, views } = open
  const { namespace, name } = pipeline.metadata
  const identity = { version: 1, pipeline: { namespace, name }, kafka: kafkaAccess(backbone) } as const
  const base = { pipeline, backbone, image: services.image }
  const processor = processorConfig(identity, flows)
  const gateway = gatewayConfig(identity, pipeline, views)
  const running = pipeline.spec.state === 'Running'
  const replicas = {
    processor: running ? (pipeline.spec.processor?.replicas ?? 1) : 0,
    gateway: pipeline.spec.gateway?.replicas ?? 1,
  }
  const processorInput = {
    ...base,
    role: 'processor',
    replicas: replicas.processor,
    config: processor,
    hash: processor.hash,
  } as const
  const gatewayInput = {
    ...base,
    role: 'gateway',
    replicas: replicas.gateway,
    config: gateway,
    hash: gateway.hash,
  } as const
  return {
    processor:
      flows.length > 0
        ? workloadOf(services, open, processorInput, processorManifests(processorInput))
        : unwanted(services, pipeline, 'processor'),
    gateway:
      views.length > 0
        ? workloadOf(services, open, gatewayInput, gatewayManifests(gatewayInput))
        : unwanted(services, pipeline, 'gateway'),
  }
}

function processorConfig(
  identity: Omit<ProcessorConfig, 'hash' | 'flows'>,
  flows: readonly PlannedFlow[],
): ProcessorConfig {
  const config = { ...identity, flows: flows.map((flow) => flow.config) }
  return { ...config, hash: hashOf(config) }
}

function gatewayConfig(
  identity: Omit<GatewayConfig, 'hash' | 'views' | 'auth' | 'allowedOrigins'>,
  pipeline: Pipeline,
  views: readonly ViewInput[],
): GatewayConfig {
  const { auth, allowedOrigins = [] } = pipeline.spec.gateway ?? {}
  const config = {
    ...identity,
    views: views.map(
      ({ view, input }): ViewConfig => ({
        name: view.name,
        input,
        ...(view.fields ? { fields: view.fields } : {}),
        index: view.index ?? [],
        ...(view.allow === undefined ? {} : { allow: view.allow }),
        mode: view.mode ?? 'Latest',
      }),
    ),
    auth: auth?.jwt
      ? {
          type: 'JWT' as const,
          issuer: auth.jwt.issuer,
          jwksUrl: auth.jwt.jwksUrl,
          ...(auth.jwt.audience ? { audience: auth.jwt.audience } : {}),
        }
      : { type: 'Anonymous' as const },
    allowedOrigins,
  }
  return { ...config, hash: hashOf(config) }
}

function workloadOf(
  services: PipelineServices,
  open: OpenPipeline,
  input: WorkloadInput,
  manifests: readonly Manifest[],
): ExternalResource {
  const { pipeline, role, replicas, hash } = input
  return resource(
    workload(workloadContext(services, open, role), {
      name: workloadName(pipeline.metadata, role),
      namespace: pipeline.metadata.namespace,
      manifests,
      replicas,
      hash,
      statusPort: STATUS_PORT,
    }),
  )
}

function unwanted(
  { kube }: PipelineServices,
  pipeline: Pipeline,
  role: WorkloadInput['role'],
): ExternalResource {
  const { metadata } = pipeline
  return resource(
    noWorkload(
      { kube },
      {
        name: workloadName(metadata, role),
        namespace: metadata.namespace,
        manifests: namesOf(pipeline, role),
        owner: metadata.uid,
      },
    ),
  )
}

function workloadContext(
  services: PipelineServices,
  open: OpenPipeline,
  role: WorkloadInput['role'],
): WorkloadContext {
  const { kube, polls, askPod: ask, now, board } = services
  const { pipeline, user } = open
  return {
    ...{ kube, polls, user, ask, now },
    note: (pods) => {
      recordPods(board, open, role, pods)
      return lagSeen(board, open, (services.pipeline(keyOf(pipeline)) ?? pipeline).status ?? {})
    },
  }
}
