import { workloadName } from '../../api/names.ts'
import type { DriveReport } from '../../external/drive.ts'
import type { WorkloadObservation } from '../../external/workload.ts'
import { isObject } from '../../lib/json.ts'
import { RESYNC_EVERY_MS, type Report } from '../controller.ts'
import { connectionsOf, lagCondition, lagStatus, recordPods } from './lag.ts'
import type { OpenPipeline, PipelineServices } from './open.ts'

const LOOK_EVERY_MS = 5_000

/** What a Pipeline's status says besides the stages: replicas, and the lag of each hop. */
export function reportPipeline({ board }: PipelineServices, open: OpenPipeline, driven: DriveReport): Report {
  const { pipeline, user } = open
  const { metadata, spec, status = {} } = pipeline
  const processor = observation(driven, workloadName(metadata, 'processor'))
  const gateway = observation(driven, workloadName(metadata, 'gateway'))
  if (processor) recordPods(board, open, 'processor', processor.pods)
  if (gateway) recordPods(board, open, 'gateway', gateway.pods)
  const lag = lagCondition(board, open)
  const settled = [...driven.stages, lag].every(({ verdict }) => verdict.type === 'Ready')
  return {
    status: {
      lag: lagStatus(board, open, status),
      ...(processor ? { processor: replicasOf(processor) } : {}),
      ...(gateway
        ? {
            gateway: {
              ...replicasOf(gateway),
              connections: connectionsOf(board, user, status) ?? 0,
              url: `http://${workloadName(metadata, 'gateway')}.${metadata.namespace}.svc:${spec.gateway?.service?.port ?? 80}`,
            },
          }
        : {}),
    },
    conditions: [lag],
    ready:
      spec.state === 'Running'
        ? { reason: 'Running', message: 'rows flow' }
        : { reason: spec.state, message: 'no processor runs, as asked; views go on' },
    afterMs: settled ? RESYNC_EVERY_MS : LOOK_EVERY_MS,
  }
}

function observation(driven: DriveReport, name: string): WorkloadObservation | undefined {
  const observed = driven.observed.get(`Workload/${name}`)
  return isObject(observed) ? (observed as unknown as WorkloadObservation) : undefined
}

function replicasOf({ found, pods }: WorkloadObservation): {
  readonly replicas: number
  readonly ready: number
  readonly pods: string
} {
  const runner = [...found].find(
    ([key]) => key.startsWith('StatefulSet ') || key.startsWith('Deployment '),
  )?.[1]
  const spec = isObject(runner?.spec) ? runner.spec : {}
  const status = isObject(runner?.status) ? runner.status : {}
  const replicas = Number(spec['replicas'] ?? 0)
  const ready = Math.min(Number(status['readyReplicas'] ?? 0), pods.length)
  return { replicas, ready, pods: `${ready}/${replicas}` }
}
