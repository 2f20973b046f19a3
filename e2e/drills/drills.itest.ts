import { describe, expect, inject, it } from 'vitest'
import { startOperator } from '../../test/operator/process.ts'
import { createWorldOn } from '../../test/operator/world.ts'
import { runDrill } from './run.ts'
import { slotDropped, slotInUse } from './slots.ts'

/*
 * Two drills that cause what no other test does. Tests in test/operator that cause the failures of others:
 * 1 to 3 gap, 5 and 4 source, 20 and 34 outages, 22 and 23 lifecycle, 27 secrets and outages, 29 hands.
 */
describe('drills', () => {
  it.each([slotDropped, slotInUse])('$number $failure', async (drill) => {
    const world = await createWorldOn(inject('testBed'), `drill${drill.number}`, () =>
      startOperator(inject('testBed').kubeconfig),
    )
    try {
      expect((await runDrill(drill, world)).seenSeconds).toBeLessThan(30)
    } finally {
      await world.close()
    }
  })
})
