import { workloadName } from '../../api/names.ts'
import type { Pipeline, PipelineStatus } from '../../api/pipeline.ts'
import type { UnitStatus, WorkloadStatus } from '../../contracts/workload.ts'
import type { StageReport } from '../../external/drive.ts'
import type { Board } from '../../lag/board.ts'
import { durationMs } from '../../lib/time.ts'
import { userOf } from '../services.ts'
import type { OpenPipeline } from './open.ts'

const LOOK_EVERY_MS = 5_000
const DEFAULT_THRESHOLD = '30s'

type Lag = NonNullable<PipelineStatus['lag']>
type Hop = NonNullable<Lag['hops']>[number]
type Role = 'processor' | 'gateway'

/** The part of a Pipeline that its lag is known from. */
export type Path = Pick<OpenPipeline, 'pipeline' | 'user' | 'inputs' | 'flows' | 'views'>

/** Puts on the board what the pods of a role say: the lag of its hops, and of the Pipeline as a whole. */
export function recordPods(board: Board, path: Path, role: Role, pods: readonly WorkloadStatus[]): void {
  const { user, flows, views, pipeline } = path
  const units = pods.flatMap((pod): readonly UnitStatus[] => pod.units)
  const record = (hop: string, names: readonly string[]) => {
    const own = units.filter(({ name }) => names.includes(name))
    if (own.length === 0) return
    // Of several pods the slowest tells the seconds; flows share their records out, gateways each read all.
    board.record(user, `${hop} seconds`, Math.max(...own.map(({ lag }) => lag.seconds)))
    board.record(user, `${hop} records`, Math.max(...own.map(({ lag }) => lag.records)))
  }
  if (role === 'gateway') {
    record(
      `Gateway ${workloadName(pipeline.metadata, 'gateway')}`,
      views.map(({ view }) => view.name),
    )
    board.record(
      user,
      'connections',
      pods.reduce((sum, pod) => sum + (pod.connections ?? 0), 0),
    )
  } else for (const { config } of flows) record(`Flow ${config.name}`, [config.name])
  recordPath(board, path)
}

/** The Sources that a Pipeline reads, and the worst path. */
function recordPath(board: Board, path: Path): void {
  const { user, pipeline } = path
  for (const { kind, name } of hopsOf(path)) {
    if (kind !== 'Source') continue
    const source = userOf('Source', `${pipeline.metadata.namespace}/${name}`)
    const seconds = board.latest(source, 'seconds')
    if (seconds !== undefined) board.record(user, `Source ${name} seconds`, seconds)
  }
  const seconds = worstSeconds(board, path)
  if (seconds !== undefined) board.record(user, 'seconds', seconds)
}

/** What the status says of the figures on the board, in one line: another line asks for a look. */
export function lagSeen(board: Board, path: Path, status: PipelineStatus): string {
  return JSON.stringify([
    lagStatus(board, path, status),
    connectionsOf(board, path.user, status),
    standingOf(board, path),
  ])
}

/** Open client connections of a Pipeline's gateways. */
export const connectionsOf = (board: Board, user: string, status: PipelineStatus): number | undefined =>
  board.published(user, 'connections', status.gateway?.connections, 1)

/** Lag by hop, in steps, given what the status shows. */
export function lagStatus(board: Board, path: Path, status: PipelineStatus): Lag {
  const shown = status.lag
  const published = (figure: string, before: number | undefined) =>
    board.published(path.user, figure, before, 1)
  const hops = hopsOf(path).map(({ kind, name }): Hop => {
    const before = shown?.hops?.find((hop) => hop.kind === kind && hop.name === name)
    const seconds = published(`${kind} ${name} seconds`, before?.seconds)
    const records = published(`${kind} ${name} records`, before?.records)
    return {
      name,
      kind,
      ...(seconds === undefined ? {} : { seconds }),
      ...(records === undefined ? {} : { records }),
    }
  })
  const seconds = published('seconds', shown?.seconds)
  const counted = hops.flatMap((hop) => hop.records ?? [])
  const slowest = seconds ? slowestOf(board, path, shown, seconds) : undefined
  return {
    ...(seconds === undefined ? {} : { seconds }),
    ...(counted.length > 0 ? { records: counted.reduce((sum, records) => sum + records, 0) } : {}),
    ...(slowest ? { slowest } : {}),
    hops,
  }
}

/** LagWithinThreshold. */
export function lagCondition(board: Board, path: Path): StageReport {
  const condition = 'LagWithinThreshold'
  const threshold = thresholdOf(path.pipeline)
  switch (standingOf(board, path)) {
    case 'Within': {
      const message = `at most ${threshold} behind on the worst path`
      return { condition, verdict: { type: 'Ready', reason: 'Within', message } }
    }
    case 'Over': {
      const message = `more than ${threshold} behind: status.lag.slowest names the hop`
      return {
        condition,
        verdict: { type: 'Waiting', reason: 'LagTooHigh', message, afterMs: LOOK_EVERY_MS },
      }
    }
    case 'NotSampled':
      return { condition, verdict: { type: 'NotReached', message: 'not measured in the last minute' } }
  }
}

const thresholdOf = ({ spec }: Pipeline): string => spec.thresholds?.lag ?? DEFAULT_THRESHOLD

const standingOf = (board: Board, { user, pipeline }: Path) =>
  board.standing(user, 'seconds', durationMs(thresholdOf(pipeline)) / 1_000)

const nameOf = (source: string): string => source.slice(source.indexOf('/') + 1)

function hopsOf({ inputs, flows, views, pipeline }: Path): readonly Pick<Hop, 'kind' | 'name'>[] {
  const sources = new Set([...inputs.values()].flatMap(({ source }) => source ?? []))
  return [
    ...[...sources].map((source) => ({ kind: 'Source', name: nameOf(source) }) as const),
    ...flows.map(({ config }) => ({ kind: 'Flow', name: config.name }) as const),
    ...(views.length > 0
      ? [{ kind: 'Gateway', name: workloadName(pipeline.metadata, 'gateway') } as const]
      : []),
  ]
}

/** The latest sample of a hop, in seconds; undefined when there is none. */
function secondsOf(
  board: Board,
  { user }: Path,
  { kind, name }: Pick<Hop, 'kind' | 'name'>,
): number | undefined {
  return board.latest(user, `${kind} ${name} seconds`)
}

/** Seconds of the path on which a row takes longest: sources, then the flows one after the other, then the gateway. */
function worstSeconds(board: Board, path: Path): number | undefined {
  const { inputs, flows, views, pipeline } = path
  const hops = hopsOf(path)
  if (hops.every((hop) => secondsOf(board, path, hop) === undefined)) return undefined
  const of = (kind: Hop['kind'], name: string) => secondsOf(board, path, { kind, name }) ?? 0
  const upTo = (name: string): number => {
    const input = inputs.get(name)
    if (input) return input.source ? of('Source', nameOf(input.source)) : 0
    const flow = flows.find(({ config }) => config.name === name)
    if (!flow) return 0
    return Math.max(0, ...flow.config.inputs.map((from) => upTo(from.name))) + of('Flow', name)
  }
  const ends =
    views.length > 0 ? views.map(({ view }) => view.from[0] ?? '') : flows.map(({ config }) => config.name)
  const served = views.length > 0 ? of('Gateway', workloadName(pipeline.metadata, 'gateway')) : 0
  return Math.max(0, ...ends.map(upTo)) + served
}

/** Which of several idle hops is the slowest changes by the second and means nothing: it moves with the seconds. */
function slowestOf(board: Board, path: Path, shown: Lag | undefined, seconds: number): string | undefined {
  if (shown?.slowest && seconds === shown.seconds) return shown.slowest
  const measured = hopsOf(path).map((hop) => ({ name: hop.name, seconds: secondsOf(board, path, hop) ?? 0 }))
  return measured.toSorted((a, b) => b.seconds - a.seconds)[0]?.name
}
