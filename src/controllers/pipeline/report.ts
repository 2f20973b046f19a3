import { workloadName } from '../../api/names.ts'
import type { PipelineStatus } from '../../api/pipeline.ts'
import type { UnitStatus } from '../../contracts/workload.ts'
import type { DriveReport, StageReport } from '../../external/drive.ts'
import type { WorkloadObservation } from '../../external/workload.ts'
import { isObject } from '../../lib/json.ts'
import { durationMs } from '../../lib/time.ts'
import type { Report } from '../controller.ts'
import { userOf } from '../services.ts'
import type { OpenPipeline, PipelineServices } from './open.ts'

const LOOK_EVERY_MS = 5_000
const DEFAULT_THRESHOLD = '30s'

type Hop = NonNullable<NonNullable<PipelineStatus['lag']>['hops']>[number]

/** A hop as it was just measured. */
interface MeasuredHop {
  readonly kind: Hop['kind']
  readonly name: string
  readonly seconds: number | undefined
  readonly records: number | undefined
}

/** What a Pipeline's status says besides the stages: replicas, and the lag of each hop. */
export function reportPipeline(services: PipelineServices, open: OpenPipeline, driven: DriveReport): Report {
  const { pipeline, user } = open
  const processor = observation(driven, workloadName(pipeline.metadata, 'processor'))
  const gateway = observation(driven, workloadName(pipeline.metadata, 'gateway'))
  const hops = measure(services, open, processor, gateway)
  for (const hop of hops) {
    if (hop.seconds !== undefined) services.board.record(user, `${hop.kind} ${hop.name} seconds`, hop.seconds)
    if (hop.records !== undefined) services.board.record(user, `${hop.kind} ${hop.name} records`, hop.records)
  }
  const worst = worstPath(open, hops)
  if (worst) services.board.record(user, 'seconds', worst.seconds)
  const { state } = pipeline.spec
  return {
    status: {
      lag: lagStatus(services, open, hops, worst),
      ...(processor ? { processor: replicasOf(processor) } : {}),
      ...(gateway
        ? {
            gateway: {
              ...replicasOf(gateway),
              connections: gateway.pods.reduce((sum, pod) => sum + (pod.connections ?? 0), 0),
              url: `http://${workloadName(pipeline.metadata, 'gateway')}.${pipeline.metadata.namespace}.svc:${pipeline.spec.gateway?.service?.port ?? 80}`,
            },
          }
        : {}),
    },
    conditions: [lagCondition(services, open)],
    ready:
      state === 'Running'
        ? { reason: 'Running', message: 'rows flow' }
        : { reason: state, message: 'no processor runs, as asked; views go on' },
    afterMs: LOOK_EVERY_MS,
  }
}

function observation(driven: DriveReport, name: string): WorkloadObservation | undefined {
  const observed = driven.observed.get(`Workload/${name}`)
  return isObject(observed) ? (observed as unknown as WorkloadObservation) : undefined
}

function measure(
  { board }: PipelineServices,
  { pipeline, inputs, flows, views }: OpenPipeline,
  processor: WorkloadObservation | undefined,
  gateway: WorkloadObservation | undefined,
): readonly MeasuredHop[] {
  const sources = new Set([...inputs.values()].flatMap(({ source }) => source ?? []))
  return [
    ...[...sources].map(
      (source): MeasuredHop => ({
        kind: 'Source',
        name: source.slice(source.indexOf('/') + 1),
        seconds: board.latest(userOf('Source', source), 'seconds'),
        records: undefined,
      }),
    ),
    ...flows.map(
      ({ config }): MeasuredHop => ({ kind: 'Flow', name: config.name, ...lagOf(processor, [config.name]) }),
    ),
    ...(views.length > 0
      ? [
          {
            kind: 'Gateway',
            name: workloadName(pipeline.metadata, 'gateway'),
            ...lagOf(
              gateway,
              views.map(({ view }) => view.name),
            ),
          } as const,
        ]
      : []),
  ]
}

/** Units of several pods: the slowest tells the seconds; flows share their records out, gateways each read all. */
function lagOf(
  workload: WorkloadObservation | undefined,
  names: readonly string[],
): Pick<MeasuredHop, 'seconds' | 'records'> {
  const units = (workload?.pods ?? [])
    .flatMap((pod): readonly UnitStatus[] => pod.units)
    .filter(({ name }) => names.includes(name))
  if (units.length === 0) return { seconds: undefined, records: undefined }
  return {
    seconds: Math.max(...units.map(({ lag }) => lag.seconds)),
    records: Math.max(...units.map(({ lag }) => lag.records)),
  }
}

/** The path on which a row takes longest: sources, then the flows one after the other, then the gateway. */
function worstPath(
  { flows, inputs, views }: OpenPipeline,
  hops: readonly MeasuredHop[],
): { readonly seconds: number; readonly slowest: string } | undefined {
  const secondsOf = (kind: Hop['kind'], name?: string) =>
    hops.find((hop) => hop.kind === kind && (name === undefined || hop.name === name))?.seconds ?? 0
  const upTo = (name: string): number => {
    const input = inputs.get(name)
    if (input)
      return input.source ? secondsOf('Source', input.source.slice(input.source.indexOf('/') + 1)) : 0
    const flow = flows.find(({ config }) => config.name === name)
    return flow
      ? Math.max(0, ...flow.config.inputs.map((from) => upTo(from.name))) + secondsOf('Flow', name)
      : 0
  }
  const measured = hops.filter((hop) => hop.seconds !== undefined)
  if (measured.length === 0) return undefined
  const ends =
    views.length > 0 ? views.map(({ view }) => view.from[0] ?? '') : flows.map(({ config }) => config.name)
  const slowest = measured.reduce((a, b) => ((b.seconds ?? 0) > (a.seconds ?? 0) ? b : a))
  return { seconds: Math.max(0, ...ends.map(upTo)) + secondsOf('Gateway'), slowest: slowest.name }
}

function lagStatus(
  { board }: PipelineServices,
  { pipeline, user }: OpenPipeline,
  hops: readonly MeasuredHop[],
  worst: { readonly seconds: number; readonly slowest: string } | undefined,
): PipelineStatus['lag'] {
  const shown = pipeline.status?.lag
  const published = (figure: string, before: number | undefined) => board.published(user, figure, before, 1)
  const settled = hops.map((hop): Hop => {
    const before = shown?.hops?.find(({ kind, name }) => kind === hop.kind && name === hop.name)
    const seconds = published(`${hop.kind} ${hop.name} seconds`, before?.seconds)
    const records = published(`${hop.kind} ${hop.name} records`, before?.records)
    return {
      name: hop.name,
      kind: hop.kind,
      ...(seconds === undefined ? {} : { seconds }),
      ...(records === undefined ? {} : { records }),
    }
  })
  const seconds = published('seconds', shown?.seconds)
  const counted = settled.flatMap((hop) => hop.records ?? [])
  // Which of several idle hops is the slowest changes by the second and means nothing.
  const slowest = seconds
    ? shown?.slowest && seconds === shown.seconds
      ? shown.slowest
      : worst?.slowest
    : undefined
  return {
    ...(seconds === undefined ? {} : { seconds }),
    ...(counted.length > 0 ? { records: counted.reduce((sum, records) => sum + records, 0) } : {}),
    ...(slowest ? { slowest } : {}),
    hops: settled,
  }
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

function lagCondition({ board }: PipelineServices, { pipeline, user }: OpenPipeline): StageReport {
  const condition = 'LagWithinThreshold'
  const threshold = pipeline.spec.thresholds?.lag ?? DEFAULT_THRESHOLD
  switch (board.standing(user, 'seconds', durationMs(threshold) / 1_000)) {
    case 'Within':
      return {
        condition,
        verdict: {
          type: 'Ready',
          reason: 'Within',
          message: `at most ${threshold} behind on the worst path`,
        },
      }
    case 'Over':
      return {
        condition,
        verdict: {
          type: 'Waiting',
          reason: 'LagTooHigh',
          message: `more than ${threshold} behind: status.lag.slowest names the hop`,
          afterMs: LOOK_EVERY_MS,
        },
      }
    case 'NotSampled':
      return { condition, verdict: { type: 'NotReached', message: 'not measured in the last minute' } }
  }
}
