import type { Source, SourceStatus } from '../../api/source/index.ts'
import type { DriveReport } from '../../external/drive.ts'

/** Tells of changes that are lost. */
const RETAINED = 'SourceRetained'

/**
 * What the status says is lost. Once told it stands until a look finds nothing lost: while the look fails for another
 * reason, such as a database or a Secret that is not there, the condition tells of that. Pure.
 */
export function lossOf(
  { status }: Pick<Source, 'status'>,
  { stages }: Pick<DriveReport, 'stages'>,
  losses: readonly string[],
): SourceStatus['loss'] {
  const verdict = stages.find(({ condition }) => condition === RETAINED)?.verdict
  if (verdict?.type === 'Ready') return undefined
  if (verdict?.type !== 'Stalled' || !losses.includes(verdict.reason)) return status?.loss
  return { reason: verdict.reason, message: verdict.message.slice(0, 1_024) }
}
