import { beforeEach, describe, expect, it } from 'vitest'

import type { Source } from '../../api/source/index.ts'
import { type Board, createBoard } from '../../lag/board.ts'
import { figuresSeen } from './lag.ts'

const USER = 'Source:shop/orders'

/** A Source whose status says this of its lag. */
const source = (status: 'True' | 'False' | 'Unknown') =>
  ({
    spec: {},
    status: { lag: { seconds: 0 }, conditions: [{ type: 'LagWithinThreshold', status }] },
  }) as unknown as Source

describe('what the status shows of the figures', () => {
  let clock: number
  let board: Board
  beforeEach(() => {
    clock = 1_000_000
    board = createBoard(() => clock)
  })

  it('does not change with the first sample after a start that says the same', () => {
    const before = figuresSeen(board, source('True'), USER)
    board.record(USER, 'seconds', 0)
    expect(figuresSeen(board, source('True'), USER)).toBe(before)
  })

  it.each(['False', 'Unknown'] as const)('changes with a first sample that says other than %s', (status) => {
    const before = figuresSeen(board, source(status), USER)
    board.record(USER, 'seconds', 0)
    expect(figuresSeen(board, source(status), USER)).not.toBe(before)
  })

  it('changes when samples stay away for a minute', () => {
    board.record(USER, 'seconds', 0)
    const before = figuresSeen(board, source('True'), USER)
    clock += 61_000
    expect(figuresSeen(board, source('True'), USER)).not.toBe(before)
  })
})
