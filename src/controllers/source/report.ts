import { connectorName } from '../../api/names.ts'
import type { Source, SourceStatus } from '../../api/source/index.ts'
import { type ConnectorObservation, causeOf } from '../../external/connector.ts'
import type { Health } from '../../external/contract.ts'
import type { DriveReport, StageReport } from '../../external/drive.ts'
import type { Board } from '../../lag/board.ts'
import { isObject } from '../../lib/json.ts'
import { bytesOf } from '../../lib/size.ts'
import { durationMs } from '../../lib/time.ts'
import { type Preflight, preflightStatus } from '../../sources/preflight.ts'
import type { SourceSample } from '../../sources/type.ts'
import { clusterPoll } from '../backbone.ts'
import type { Report } from '../controller.ts'
import type { OpenSource, SourceServices } from './open.ts'
import { tableTopic } from './topics.ts'

const LOOK_EVERY_MS = 5_000
const DEFAULT_LAG_THRESHOLD = '30s'
const MIB = 1_048_576

/** What a Source's status says besides the stages, after a drive. Starts failed tasks again where that is due. */
export async function reportSource(
  services: SourceServices,
  open: OpenSource,
  driven: DriveReport,
  signal: AbortSignal,
): Promise<Report> {
  const { source, user } = open
  const reached = driven.stages.every(({ verdict }) => verdict.type !== 'NotReached')
  const sample = reached ? await open.database.sample(signal) : undefined
  const observed = driven.observed.get(`Connector/${connectorName(source.metadata)}`)
  const connector = isObject(observed) ? (observed as unknown as ConnectorObservation) : undefined
  if (connector) await restartIfDue(services, open, connector, signal)
  if (sample) recordLag(services.board, user, sample, services.now())
  const running = driven.stages.at(-1)?.verdict
  return {
    status: {
      ...(await identity(services, open, reached, signal)),
      ...(connector ? { connector: connectorStatus(connector, services.restarts.count(user)) } : {}),
      ...(sample ? sampleStatus(services.board, source, user, sample) : {}),
      ...preflightOfLook(source, driven),
      topics: topicsStatus(open),
    },
    conditions: sample ? softConditions(services.board, source, user, sample) : [],
    ready:
      running?.type === 'Ready'
        ? { reason: running.reason ?? 'Streaming', message: running.message ?? '' }
        : { reason: 'Streaming', message: '' },
    afterMs: LOOK_EVERY_MS,
  }
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
  { source, user, connect }: OpenSource,
  { view }: ConnectorObservation,
  signal: AbortSignal,
): Promise<void> {
  const failed = view.status?.tasks.some((task) => task.state === 'FAILED') || view.status?.state === 'FAILED'
  if (!failed) return restarts.healthy(user)
  const wanted = source.spec.state === 'Running' && (source.spec.connector?.autoRestart?.enabled ?? true)
  if (wanted && restarts.due(user))
    await connect.client.restart(view.name, 'failed', signal).catch(() => undefined)
}

function connectorStatus({ view }: ConnectorObservation, restarts: number): SourceStatus['connector'] {
  const { status } = view
  return {
    name: view.name,
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

/**
 * Seconds behind: since the commit of the last thing delivered, less the interval in which nothing need come;
 * none during a snapshot.
 */
function recordLag(board: Board, user: string, sample: SourceSample, now: number): void {
  if (sample.snapshot === 'Completed' && sample.deliveredAt !== undefined) {
    const silence = (now - sample.deliveredAt) / 1_000
    board.record(user, 'seconds', Math.max(0, silence - sample.quietSeconds))
  }
  if (sample.unconfirmedBytes !== undefined) board.record(user, 'unconfirmedBytes', sample.unconfirmedBytes)
  if (sample.retainedBytes !== undefined) board.record(user, 'retainedBytes', sample.retainedBytes)
}

function sampleStatus(
  board: Board,
  source: Source,
  user: string,
  sample: SourceSample,
): Partial<SourceStatus> {
  const { lag, slot } = source.status ?? {}
  const seconds = board.published(user, 'seconds', lag?.seconds, 1)
  const unconfirmedBytes = board.published(user, 'unconfirmedBytes', lag?.unconfirmedBytes, MIB)
  const retainedBytes = board.published(user, 'retainedBytes', slot?.retainedBytes, MIB)
  const total = source.spec.tables.length
  return {
    lag: {
      ...(seconds === undefined ? {} : { seconds }),
      ...(unconfirmedBytes === undefined ? {} : { unconfirmedBytes }),
    },
    snapshot: {
      state: sample.snapshot,
      ...(sample.snapshot === 'Completed' ? { tables: `${total}/${total}` } : {}),
    },
    ...(sample.status.slot
      ? { slot: { ...sample.status.slot, ...(retainedBytes === undefined ? {} : { retainedBytes }) } }
      : {}),
  }
}

function topicsStatus({ source, topicPrefix }: OpenSource): SourceStatus['topics'] {
  const names = source.spec.tables.map(({ name }) => tableTopic(topicPrefix, name)).sort()
  return { prefix: topicPrefix, count: names.length, names: names.slice(0, 20) }
}

function softConditions(
  board: Board,
  source: Source,
  user: string,
  sample: SourceSample,
): readonly StageReport[] {
  const threshold = source.spec.thresholds?.lag ?? DEFAULT_LAG_THRESHOLD
  return [
    { condition: 'SnapshotComplete', verdict: softVerdict(snapshotHealth(sample)) },
    ...sample.conditions.map(({ type, health }) => ({ condition: type, verdict: softVerdict(health) })),
    { condition: 'LagWithinThreshold', verdict: lagVerdict(board, user, threshold, sample) },
    ...retainedLog(board, source, user),
  ]
}

/** Asked for by thresholds.retainedBytes: a log that grows for us fills the database's disk. */
function retainedLog(board: Board, source: Source, user: string): readonly StageReport[] {
  const limit = source.spec.thresholds?.retainedBytes
  if (limit === undefined) return []
  const condition = 'RetainedLogWithinThreshold'
  switch (board.standing(user, 'retainedBytes', bytesOf(limit))) {
    case 'Within':
      return [
        {
          condition,
          verdict: {
            type: 'Ready',
            reason: 'Within',
            message: `the database keeps at most ${limit} of log for it`,
          },
        },
      ]
    case 'Over': {
      const message = `the database keeps more than ${limit} of log for it: see why the connector does not confirm, or the disk fills`
      return [
        {
          condition,
          verdict: { type: 'Waiting', reason: 'RetainedLogTooLarge', message, afterMs: LOOK_EVERY_MS },
        },
      ]
    }
    case 'NotSampled':
      return [{ condition, verdict: { type: 'NotReached', message: 'not measured in the last minute' } }]
  }
}

function snapshotHealth({ snapshot }: SourceSample): Health {
  return snapshot === 'Completed'
    ? { type: 'Ready', reason: 'Completed', message: 'the rows that were there are in the topics' }
    : { type: 'NotReady', reason: snapshot, message: 'the rows that are there are being copied' }
}

function lagVerdict(
  board: Board,
  user: string,
  threshold: string,
  sample: SourceSample,
): StageReport['verdict'] {
  if (sample.snapshot !== 'Completed')
    return { type: 'Ready', reason: 'Snapshotting', message: 'no alarm during a snapshot' }
  switch (board.standing(user, 'seconds', durationMs(threshold) / 1_000)) {
    case 'Within':
      return { type: 'Ready', reason: 'Within', message: `at most ${threshold} behind the database` }
    case 'Over':
      return {
        type: 'Waiting',
        reason: 'LagTooHigh',
        message: `more than ${threshold} behind the database: see the connector's tasks and the load on its worker`,
        afterMs: LOOK_EVERY_MS,
      }
    case 'NotSampled':
      return { type: 'NotReached', message: 'not measured in the last minute' }
  }
}

function softVerdict(health: Health): StageReport['verdict'] {
  if (health.type === 'Ready') return health
  return { type: 'Waiting', reason: health.reason, message: health.message, afterMs: LOOK_EVERY_MS }
}
