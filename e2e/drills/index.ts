import { notLetIn, passwordRotated } from './access.ts'
import type { Drill, NotHere, OwnDrill } from './drill.ts'
import { failedOver } from './failover.ts'
import { notAdvancing, stoppedTooLong } from './log.ts'
import { debris, staleOffsets } from './offsets.ts'
import { publicationLacksTable } from './published.ts'
import { slotDropped, slotInUse, slotLost, slotRecreated, slotRecreatedRunning } from './slots.ts'
import { snapshotRestarting } from './snapshot.ts'
import { storm, workerKilled } from './storm.ts'
import { noTasks, taskFailed } from './tasks.ts'
import { pluginGone, pluginMissing, pluginOnSome } from './workers.ts'

/** Every drill, by the number of its failure. */
export const DRILLS: readonly (Drill | OwnDrill)[] = [
  slotLost,
  slotDropped,
  slotRecreated,
  slotRecreatedRunning,
  notAdvancing,
  stoppedTooLong,
  slotInUse,
  failedOver,
  snapshotRestarting,
  taskFailed,
  storm,
  workerKilled,
  staleOffsets,
  debris,
  passwordRotated,
  pluginMissing,
  pluginGone,
  pluginOnSome,
  publicationLacksTable,
  noTasks,
  notLetIn,
]

/** Failures that no drill causes. */
export const NOT_HERE: readonly NotHere[] = [
  { number: 25, failure: 'tombstones break a sink', why: 'there are no Sinks yet' },
]
