import { describe, expect, it } from 'vitest'

import { runOnce } from './run.ts'

/** A thousand objects: what does not depend on how fast this machine is. */
describe('an operator with a thousand objects', () => {
  it('makes each thing once, is quiet when nothing changes, and writes nothing when it starts again', {
    timeout: 300_000,
  }, async () => {
    const size = { sources: 330, pipelines: 666 }
    const times = { settleMs: 12_000, restMs: 10_000, churnMs: 0, edits: 10, newLogin: false }
    const figures = await runOnce({ ...size, ...times }, () => undefined, AbortSignal.timeout(290_000))
    expect(figures).toMatchObject({ restWrites: 0, restartWrites: 0, restartOutsideWrites: 0 })
    expect(figures['restReconcilesPerSecond']).toBeLessThan(2)
    // Topics, publication and connector, and the publication's mark.
    expect(figures['outsideWritesPerResource']).toBeLessThanOrEqual(1.25)
    expect(figures['writesPerObject']).toBeLessThan(4)
    expect(figures['tlsConnections']).toBeLessThanOrEqual(10)
  })
})
