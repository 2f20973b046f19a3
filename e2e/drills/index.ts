import { notLetIn, passwordRotated } from './access.ts'
import type { Drill, NotHere } from './drill.ts'
import { notAdvancing, stoppedTooLong } from './log.ts'
import { debris, staleOffsets } from './offsets.ts'
import { publicationLacksTable } from './published.ts'
import { slotDropped, slotInUse, slotLost, slotRecreated, slotRecreatedRunning } from './slots.ts'
import { snapshotRestarting } from './snapshot.ts'
import { noTasks, taskFailed } from './tasks.ts'

/** Every drill, by the number of its failure. */
export const DRILLS: readonly Drill[] = [
  slotLost,
  slotDropped,
  slotRecreated,
  slotRecreatedRunning,
  notAdvancing,
  stoppedTooLong,
  slotInUse,
  snapshotRestarting,
  taskFailed,
  staleOffsets,
  debris,
  passwordRotated,
  publicationLacksTable,
  noTasks,
  notLetIn,
]

/** Failures that no drill causes. */
export const NOT_HERE: readonly NotHere[] = [
  {
    number: 7,
    failure: 'failover to a primary without the slot',
    why: 'no drill yet: needs a second server',
  },
  { number: 21, failure: 'rebalance storm', why: 'no drill yet: needs a second worker' },
  { number: 25, failure: 'tombstones break a sink', why: 'there are no Sinks yet' },
  { number: 28, failure: 'plugin missing on the workers', why: 'no drill yet: needs a worker without it' },
]
