import type { Source, SourceStatus } from '../../api/source/index.ts'
import type { StageReport } from '../../external/drive.ts'
import type { Board, Standing } from '../../lag/board.ts'
import { bytesOf } from '../../lib/size.ts'
import { durationMs } from '../../lib/time.ts'
import type { SourceFigures, SourceSample } from '../../sources/type.ts'

const LOOK_EVERY_MS = 5_000
const DEFAULT_LAG_THRESHOLD = '30s'
const MIB = 1_048_576
const LAG = 'LagWithinThreshold'
const RETAINED_LOG = 'RetainedLogWithinThreshold'

/** Puts a Source's figures on the board. */
export function recordFigures(board: Board, user: string, figures: SourceFigures): void {
  for (const [figure, value] of Object.entries(figures)) {
    if (value !== undefined) board.record(user, figure, value)
  }
}

/** What the status should show of the figures on the board, given what it shows. */
export function shownFigures(
  board: Board,
  user: string,
  { lag, slot }: SourceStatus,
): { readonly [figure in Exclude<keyof SourceFigures, 'confirmedPosition'>]: number | undefined } {
  return {
    seconds: board.published(user, 'seconds', lag?.seconds, 1),
    unconfirmedBytes: board.published(user, 'unconfirmedBytes', lag?.unconfirmedBytes, MIB),
    retainedBytes: board.published(user, 'retainedBytes', slot?.retainedBytes, MIB),
    safeBytes: board.published(user, 'safeBytes', slot?.safeBytes, MIB),
    catalogAge: board.published(user, 'catalogAge', slot?.catalogAge, MIB),
  }
}

/** What a Source's status says of the figures on the board, in one line: another line asks for a look. */
export function figuresSeen(board: Board, source: Source, user: string): string {
  const { seconds, retainedBytes } = limitsOf(source)
  // After a start, what was shown stands until there is a sample.
  const standing = (figure: string, limit: number, condition: string) =>
    board.standing(user, figure, limit, shownStanding(source, condition))
  return JSON.stringify([
    shownFigures(board, user, source.status ?? {}),
    standing('seconds', seconds, LAG),
    retainedBytes === undefined ? '' : standing('retainedBytes', retainedBytes, RETAINED_LOG),
  ])
}

function shownStanding({ status }: Source, condition: string): Standing {
  const shown = status?.conditions?.find(({ type }) => type === condition)?.status
  return shown === 'True' ? 'Within' : shown === 'False' ? 'Over' : 'NotSampled'
}

/** The conditions that thresholds ask for. */
export function lagConditions(
  board: Board,
  source: Source,
  user: string,
  sample: SourceSample,
): readonly StageReport[] {
  return [
    { condition: LAG, verdict: lagVerdict(board, source, user, sample) },
    ...retainedLog(board, source, user),
  ]
}

function limitsOf({ spec }: Source): {
  readonly seconds: number
  readonly retainedBytes: number | undefined
} {
  const { lag = DEFAULT_LAG_THRESHOLD, retainedBytes } = spec.thresholds ?? {}
  return {
    seconds: durationMs(lag) / 1_000,
    retainedBytes: retainedBytes === undefined ? undefined : bytesOf(retainedBytes),
  }
}

function lagVerdict(
  board: Board,
  source: Source,
  user: string,
  sample: SourceSample,
): StageReport['verdict'] {
  const threshold = source.spec.thresholds?.lag ?? DEFAULT_LAG_THRESHOLD
  if (sample.snapshot !== 'Completed')
    return { type: 'Ready', reason: 'Snapshotting', message: 'no alarm during a snapshot' }
  switch (board.standing(user, 'seconds', limitsOf(source).seconds)) {
    case 'Within':
      return { type: 'Ready', reason: 'Within', message: `at most ${threshold} behind the database` }
    case 'Over':
      return {
        type: 'Waiting',
        reason: 'LagTooHigh',
        message: `more than ${threshold} behind the database: ${remedyFor(source, 'see the connector’s tasks and the load on its worker')}`,
        afterMs: LOOK_EVERY_MS,
      }
    case 'NotSampled':
      return { type: 'NotReached', message: 'not measured in the last minute' }
  }
}

/** Asked for by thresholds.retainedBytes: a log that grows for us fills the database's disk. */
function retainedLog(board: Board, source: Source, user: string): readonly StageReport[] {
  const { retainedBytes } = limitsOf(source)
  if (retainedBytes === undefined) return []
  const limit = source.spec.thresholds?.retainedBytes
  const condition = RETAINED_LOG
  switch (board.standing(user, 'retainedBytes', retainedBytes)) {
    case 'Within': {
      const message = `the database keeps at most ${limit} of log for it`
      return [{ condition, verdict: { type: 'Ready', reason: 'Within', message } }]
    }
    case 'Over': {
      const remedy = remedyFor(
        source,
        'see SlotHealthy, ConnectorRunning and the load on the worker for why it is not confirmed',
      )
      const message = `the database keeps more than ${limit} of log for this Source, and its disk fills: ${remedy}`
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

/** What to do about a Source that is behind: of one that was told to stand still there is nothing to look for. */
const remedyFor = ({ spec: { state } }: Source, whileRunning: string): string =>
  state === 'Running'
    ? whileRunning
    : `it is ${state}: set spec.state to Running, or delete this Source if nobody needs it any more`
