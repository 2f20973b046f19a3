import { describe, expect, it } from 'vitest'

import { createBoard } from '../../lag/board.ts'
import { noteWritten } from './rows.ts'

/** What is known after looks five seconds apart, the first at 1,000 s. */
function after(...looks: readonly bigint[]) {
  const clock = { now: 995_000 }
  const history = createBoard(() => clock.now).of('Source:ns/a')
  for (const written of looks) {
    clock.now += 5_000
    noteWritten(history, written, clock.now)
  }
  return { rate: history.latest('rowsPerSecond'), event: history.latest('lastEvent') }
}

describe('rows that a Source writes', () => {
  it.each<readonly [string, readonly bigint[], number | undefined, number | undefined]>([
    ['one look tells nothing', [100n], undefined, undefined],
    ['nothing written: no event is known', [100n, 100n, 100n], 0, undefined],
    ['a rate takes some seconds, an event does not', [100n, 150n], undefined, 1_005],
    ['the rate is over all looks', [100n, 150n, 300n], 20, 1_010],
    ['the last event stays', [100n, 150n, 150n, 150n], 10 / 3, 1_005],
    ['topics made anew begin anew', [100n, 150n, 0n, 10n, 20n], 2, 1_020],
  ])('%s', (_name, looks, rate, event) => {
    const found = after(...looks)
    expect(found.event).toBe(event)
    if (rate === undefined) expect(found.rate).toBeUndefined()
    else expect(found.rate).toBeCloseTo(rate)
  })
})
