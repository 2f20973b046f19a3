import { describe, expect, it } from 'vitest'

import { createBoard } from '../../lag/board.ts'
import type { Decoded, SlotView } from './queries.ts'
import { forgetSlot, isOfAnother, isRemade } from './remade.ts'

const counted = (count: number, resetAt = '', since = 'start'): Decoded => ({
  ...{ count, since, resetAt },
  at: 0,
})

describe('what is counted for a slot', () => {
  it.each<readonly [string, Decoded, Decoded, boolean]>([
    ['nothing has come', counted(7), counted(7), false],
    ['it grows', counted(7), counted(9), false],
    ['it is less: another slot', counted(7), counted(2), true],
    ['less after a crash or a restart of the server', counted(7), counted(0, '', 'later'), false],
    ['less after a reset by hand', counted(7), counted(0, '100.5'), false],
    ['less after a second reset', counted(7, '100.5'), counted(0, '200.5'), false],
    ['it grows after a reset', counted(1, '100.5'), counted(3, '100.5'), false],
    ['less, and reset long before', counted(7, '100.5'), counted(2, '100.5'), true],
    ['never reset, though it was before: another slot', counted(7, '100.5'), counted(9), true],
    ['the same after a crash', counted(7, '100.5'), counted(0, '', 'later'), false],
  ])('%s', (_name, before, now, another) => {
    expect(isOfAnother(before, now)).toBe(another)
  })
})

describe('looks at a slot', () => {
  const at = (seconds: number, decoded: Decoded | undefined) =>
    ({ decoded: decoded && { ...decoded, at: seconds } }) as SlotView
  const start = () => {
    const clock = { now: 0 }
    return { clock, history: createBoard(() => clock.now).of('Source:n/s') }
  }

  it('hours apart tell it from another, which it stays however much that one decodes', () => {
    const { clock, history } = start()
    expect(isRemade(history, 'a', at(1, counted(7)))).toBe(false)
    clock.now += 7_200_000
    expect(isRemade(history, 'a', at(2, counted(2)))).toBe(true)
    expect(isRemade(history, 'a', at(3, counted(9)))).toBe(true)
    expect(isRemade(history, 'a', at(4, undefined))).toBe(true)
  })

  it('in another life of the Source, or after it was forgotten, begin anew', () => {
    const { history } = start()
    isRemade(history, 'a', at(1, counted(7)))
    expect(isRemade(history, 'b', at(2, counted(2)))).toBe(false)
    expect(isRemade(history, 'b', at(3, counted(1)))).toBe(true)
    forgetSlot(history)
    expect(isRemade(history, 'b', at(4, counted(0)))).toBe(false)
  })

  it('say nothing where nothing is counted', () => {
    const { history } = start()
    expect(isRemade(history, 'a', at(1, undefined))).toBe(false)
    expect(isRemade(history, 'a', at(2, counted(0)))).toBe(false)
  })

  it('that come late say nothing', () => {
    const { history } = start()
    expect(isRemade(history, 'a', at(2, counted(7)))).toBe(false)
    expect(isRemade(history, 'a', at(1, counted(5)))).toBe(false)
    expect(isRemade(history, 'a', at(3, counted(7)))).toBe(false)
    expect(isRemade(history, 'a', at(4, counted(6)))).toBe(true)
    expect(isRemade(history, 'a', at(1, counted(5)))).toBe(true)
  })
})
