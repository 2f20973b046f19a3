import type { Drill } from './drill.ts'
import { fillLog } from './slots.ts'

/** 5: a Source is left Stopped, and the database keeps its log for it. */
export const stoppedTooLong: Drill = {
  number: 5,
  failure: 'log kept for a Source that is left Stopped',
  beside: 'Others',
  shown: {
    condition: 'RetainedLogWithinThreshold',
    reason: 'RetainedLogTooLarge',
    message: /slot|Running/,
    ready: 'True',
  },
  cause: async (stage) => {
    await stage.stopped({ thresholds: { retainedBytes: '16Mi' } })
    await stage.work()
    await fillLog(stage.world, 64)
  },
  remedy: (stage) => stage.apply({ state: 'Running', thresholds: { retainedBytes: '16Mi' } }),
}
