import { describe, expect, inject, it } from 'vitest'
import { createWorldOn } from '../../test/operator/world.ts'
import { failedOver } from './failover.ts'
import { begin, runDrill } from './run.ts'
import { slotDropped, slotInUse } from './slots.ts'
import { pluginMissing } from './workers.ts'

/*
 * Drills that cause what no other test does; 21 takes a minute and is left to `make drills`. Tests in test/operator that
 * cause the failures of others: 1 to 3 gap, 5 and 4 source, 20 and 34 outages, 22 and 23 lifecycle, 27 secrets and outages, 29 hands.
 */
describe('drills', () => {
  it.each([slotDropped, slotInUse, failedOver, pluginMissing])('$number $failure', async (drill) => {
    const { drill: begun, bed, close } = await begin(drill, inject('testBed'))
    try {
      const world = await createWorldOn(bed, `drill${drill.number}`)
      try {
        expect((await runDrill(begun, world)).seenSeconds).toBeLessThan(30)
      } finally {
        await world.close()
      }
    } finally {
      await close()
    }
  })
})
