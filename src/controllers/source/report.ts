import { connectorName } from '../../api/names.ts'
import type { Source, SourceStatus } from '../../api/source/index.ts'
import { type ConnectorObservation, CREDENTIALS_SETTING } from '../../external/connector.ts'
import { causeOf } from '../../external/connector-health.ts'
import type { Health } from '../../external/contract.ts'
import type { DriveReport, StageReport } from '../../external/drive.ts'
import { failedTrace, failureOf } from '../../external/failures.ts'
import type { Board } from '../../lag/board.ts'
import { isObject } from '../../lib/json.ts'
import { Waiting } from '../../lib/verdict.ts'
import type { CopyProgress } from '../../sources/copies/progress.ts'
import { type Preflight, preflightStatus } from '../../sources/preflight.ts'
import type { Captured, SourceSample } from '../../sources/type.ts'
import { clusterPoll } from '../backbone.ts'
import { RESYNC_EVERY_MS, type Report } from '../controller.ts'
import { secretsCondition } from '../services.ts'
import { UNRESOLVED } from './captured.ts'
import { lagConditions, recordFigures, shownFigures } from './lag.ts'
import type { OpenSource, SourceServices } from './open.ts'
import { followRows } from './rows.ts'
import { type SnapshotSeen, snapshotHealth, snapshotOf } from './snapshot.ts'
import { tableTopic } from './topics.ts'

const LOOK_EVERY_MS = 5_000
const COPYING_EVERY_MS = 1_000
const SHOWN = 20

/** What driving a Source's plan came to. */
export interface Driven {
  readonly captured: Captured
  readonly driven: DriveReport
  readonly progress: CopyProgress | undefined
  readonly loss: SourceStatus['loss']
}

/** What a Source's status says besides the stages, after a drive. Starts failed tasks again where that is due. */
export async function reportSource(
  services: SourceServices,
  open: OpenSource,
  { captured, driven, progress, loss }: Driven,
  signal: AbortSignal,
): Promise<Report> {
  const { source, user } = open
  const reached = driven.stages.every(({ verdict }) => verdict.type !== 'NotReached')
  const observed = driven.observed.get(`Connector/${connectorName(source.metadata)}`)
  const connector = isObject(observed) ? (observed as unknown as ConnectorObservation) : undefined
  const sample = connector || source.status?.identity ? await sampleOf(open, signal) : undefined
  if (connector) await restartIfDue(services, open, connector, signal)
  if (sample) recordFigures(services.board, user, sample.figures)
  if (reached) await followRows(services, open, topicsOf(open, captured.tables), signal)
  const snapshot = sample && { sample, captured, progress }
  const conditions = snapshot ? softConditions(services.board, source, user, snapshot) : []
  const isCopying = progress !== undefined && progress.pending.length > 0
  const settled = [...driven.stages, ...conditions].every(({ verdict }) => verdict.type === 'Ready')
  return {
    status: {
      ...(await identity(services, open, reached, signal)),
      ...(connector ? { connector: connectorStatus(connector, services.restarts.count(user)) } : {}),
      ...(sample ? sampleStatus(services.board, source, user, sample) : slotAsKnown(source)),
      ...snapshotOf(services.board, source, user, snapshot),
      ...preflightOfLook(source, driven),
      ...topicsStatus(open, captured, progress),
      ...(loss ? { loss } : {}),
    },
    conditions: [...conditions, ...secretsCondition(open.backbone)],
    ready: readyReason(driven),
    afterMs: settled ? RESYNC_EVERY_MS : isCopying ? COPYING_EVERY_MS : LOOK_EVERY_MS,
  }
}

/** Undefined where the database does not answer, which a stage tells of. */
async function sampleOf({ database }: OpenSource, signal: AbortSignal): Promise<SourceSample | undefined> {
  try {
    return await database.sample(signal)
  } catch (error) {
    if (error instanceof Waiting) return undefined
    throw error
  }
}

const slotAsKnown = ({ status }: Source): Partial<SourceStatus> => ({
  ...(status?.slot ? { slot: status.slot } : {}),
  ...(status?.snapshot ? { snapshot: status.snapshot } : {}),
})

/** What it is doing, as the last of its stages that has a word for it says; copies count only while changes are streamed. */
function readyReason({ stages }: DriveReport): Report['ready'] {
  const saying = (condition: string) => {
    const verdict = stages.find((stage) => stage.condition === condition)?.verdict
    return verdict?.type === 'Ready' ? verdict : undefined
  }
  const running = saying('ConnectorRunning')
  const tables = saying('TablesCaptured')
  const { reason = 'Streaming', message = '' } =
    running?.reason === 'Streaming' && tables?.reason ? tables : (running ?? {})
  return { reason, message }
}

/** Without a look, what was found before stands. */
function preflightOfLook(source: Source, { observed }: DriveReport): Pick<SourceStatus, 'preflight'> {
  const found = observed.get('Check/preflight')
  if (isObject(found)) return preflightStatus(found as unknown as Preflight)
  return source.status?.preflight ? { preflight: source.status.preflight } : {}
}

async function identity(
  services: SourceServices,
  { source, kafka, connect, database, user }: OpenSource,
  reached: boolean,
  signal: AbortSignal,
): Promise<Pick<SourceStatus, 'identity'>> {
  if (source.status?.identity) return { identity: source.status.identity }
  if (!reached) return {}
  const { clusterId } = await services.polls.read(clusterPoll(kafka.address, kafka.admin), user, signal)
  return {
    identity: {
      database: await database.identity(signal),
      kafkaClusterId: clusterId,
      connectUrl: connect.url,
    },
  }
}

async function restartIfDue(
  { restarts }: SourceServices,
  { source, user, connect, failures }: OpenSource,
  { view }: ConnectorObservation,
  signal: AbortSignal,
): Promise<void> {
  const trace = failedTrace(view)
  if (trace === undefined) return restarts.healthy(user)
  const wanted = source.spec.state === 'Running' && (source.spec.connector?.autoRestart?.enabled ?? true)
  if (wanted && restarts.due(user, failureOf(trace, failures).heals))
    await connect.client.restart(view.name, 'failed', signal).catch(() => undefined)
}

function connectorStatus({ view }: ConnectorObservation, restarts: number): SourceStatus['connector'] {
  const { status, config } = view
  const credentials = config[CREDENTIALS_SETTING]
  return {
    name: view.name,
    ...(credentials ? { credentials } : {}),
    state: status?.state ?? 'UNASSIGNED',
    ...(status?.version ? { version: status.version } : {}),
    tasks: (status?.tasks ?? []).slice(0, 20).map(({ id, state, worker, trace }) => ({
      id,
      state,
      worker,
      ...(trace ? { trace: causeOf(trace) } : {}),
    })),
    ...(restarts > 0 ? { restarts } : {}),
  }
}

function sampleStatus(
  board: Board,
  source: Source,
  user: string,
  sample: SourceSample,
): Partial<SourceStatus> {
  const { seconds, unconfirmedBytes, retainedBytes, safeBytes, catalogAge } = shownFigures(
    board,
    user,
    source.status ?? {},
  )
  return {
    lag: {
      ...(seconds === undefined ? {} : { seconds }),
      ...(unconfirmedBytes === undefined ? {} : { unconfirmedBytes }),
    },
    ...(sample.status.slot
      ? {
          slot: {
            ...sample.status.slot,
            ...(retainedBytes === undefined ? {} : { retainedBytes }),
            ...(safeBytes === undefined ? {} : { safeBytes }),
            ...(catalogAge === undefined ? {} : { catalogAge }),
          },
        }
      : {}),
  }
}

function topicsStatus(
  { source, topicPrefix }: OpenSource,
  captured: Captured,
  progress: CopyProgress | undefined,
): Pick<SourceStatus, 'topics'> {
  const known = source.status?.topics
  // Which they are cannot be said while the tables are not known: what was said before stands.
  if (captured === UNRESOLVED) return known ? { topics: known } : {}
  const { tables } = captured
  const names = topicsOf({ topicPrefix }, tables)
  const former = progress
    ? topicsOf(
        { topicPrefix },
        progress.former.map((name) => ({ name })),
      )
    : (known?.retained ?? [])
  const topics = {
    ...{ prefix: topicPrefix, count: names.length },
    // The server does not keep an empty list that is applied.
    ...(names.length > 0 ? { names: names.slice(0, SHOWN) } : {}),
    ...(former.length > 0 ? { retained: former.slice(0, SHOWN) } : {}),
  }
  return { topics }
}

const topicsOf = (
  { topicPrefix }: Pick<OpenSource, 'topicPrefix'>,
  tables: readonly { readonly name: string }[],
): readonly string[] => tables.map(({ name }) => tableTopic(topicPrefix, name)).sort()

function softConditions(
  board: Board,
  source: Source,
  user: string,
  seen: SnapshotSeen,
): readonly StageReport[] {
  const { sample } = seen
  return [
    { condition: 'SnapshotComplete', verdict: softVerdict(snapshotHealth(seen)) },
    ...sample.conditions.map(({ type, health }) => ({ condition: type, verdict: softVerdict(health) })),
    ...lagConditions(board, source, user, sample),
  ]
}

function softVerdict(health: Health): StageReport['verdict'] {
  if (health.type === 'Ready') return health
  return { type: 'Waiting', reason: health.reason, message: health.message, afterMs: LOOK_EVERY_MS }
}
