import type { Source, SourceStatus } from '../../api/source/index.ts'
import type { Health } from '../../external/contract.ts'
import type { Board } from '../../lag/board.ts'
import type { CopyProgress } from '../../sources/copies/progress.ts'
import type { Captured, SourceSample } from '../../sources/type.ts'

/** How far the rows are that were there before the stream. */
export interface SnapshotSeen {
  readonly sample: SourceSample
  readonly captured: Captured
  readonly progress: CopyProgress | undefined
}

const SHOWN = 20

/** What the status says of it; without a look, what it said before. Rows move in steps, at most every 30 s. */
export function snapshotOf(
  board: Board,
  source: Source,
  user: string,
  seen: SnapshotSeen | undefined,
): Pick<SourceStatus, 'snapshot'> {
  const before = source.status?.snapshot
  // One that was over and is not any more has been begun anew.
  const anew = before?.state === 'Completed' && seen !== undefined && seen.sample.snapshot !== 'Completed'
  if (!seen?.progress && before && !anew) return { snapshot: before }
  if (!seen?.progress) return seen ? { snapshot: { state: seen.sample.snapshot } } : {}
  const { done, total, pending, rows } = seen.progress
  const waiting = seen.captured.held.map((table) => ({ table, state: 'Waiting' as const }))
  const left = [...pending.map(({ table, state }) => ({ table, state })), ...waiting].slice(0, SHOWN)
  if (rows > 0) board.record(user, 'snapshotRows', rows)
  const shown = rows > 0 ? board.published(user, 'snapshotRows', before?.rows, 1) : undefined
  return {
    snapshot: {
      state: seen.sample.snapshot === 'Completed' && left.length > 0 ? 'Running' : seen.sample.snapshot,
      ...(seen.sample.snapshot === 'Completed' ? { tables: `${done}/${total + waiting.length}` } : {}),
      ...(left.length > 0 ? { pending: left } : {}),
      ...(shown === undefined ? {} : { rows: shown }),
    },
  }
}

/** Whether every row that was there is in the topics. */
export function snapshotHealth({ sample, progress }: SnapshotSeen): Health {
  const restarts = (progress?.begun ?? 0) - 1
  if (sample.snapshot !== 'Completed' && restarts > 0) {
    const message = `the first snapshot was cut off before its end and begun anew ${restarts} times: see the worker's log for what ends it (a time limit, memory, a lost connection), or name fewer tables in spec.tables and add the others later, whose rows are copied in steps that a restart does not undo`
    return { type: 'NotReady', reason: 'SnapshotRestarting', message }
  }
  if (sample.snapshot !== 'Completed')
    return { type: 'NotReady', reason: sample.snapshot, message: 'the rows that are there are being copied' }
  const failed = progress?.pending.find(({ state }) => state === 'Failed')
  if (failed) {
    const message = `rows of ${failed.table} could not be copied (${failed.why}) and are tried again: see the log of the connector's worker, and whether its role may read the table`
    return { type: 'NotReady', reason: 'CopyFailed', message }
  }
  const [first] = progress?.pending ?? []
  if (first) {
    const message = `rows of ${progress?.pending.length} tables are being copied, among them ${first.table}: ${first.why}`
    return { type: 'NotReady', reason: 'Snapshotting', message }
  }
  return { type: 'Ready', reason: 'Completed', message: 'the rows that were there are in the topics' }
}
