import { expect, it } from 'vitest'
import type { StageVerdict } from '../../external/drive.ts'
import { lossOf } from './loss.ts'

const LOST = { reason: 'OffsetBehindSlot', message: 'slot s was moved' }
const waiting: StageVerdict = {
  ...{ type: 'Waiting', reason: 'DatabaseUnreachable', message: 'it is down' },
  afterMs: 5_000,
}

it.each<readonly [string, StageVerdict, typeof LOST | undefined, typeof LOST | undefined]>([
  ['is told', { type: 'Stalled', ...LOST }, undefined, LOST],
  ['is told anew', { type: 'Stalled', ...LOST }, { ...LOST, message: 'before' }, LOST],
  ['stands while nobody can look', waiting, LOST, LOST],
  ['stands while an earlier stage is not ready', { type: 'NotReached', message: '' }, LOST, LOST],
  ['stands beside another refusal', { type: 'Stalled', reason: 'SlotTaken', message: '' }, LOST, LOST],
  ['is over when a look finds nothing lost', { type: 'Ready' }, LOST, undefined],
  ['is nothing that a look fails for', waiting, undefined, undefined],
])('a loss %s', (_name, verdict, before, expected) => {
  const status = { ...(before ? { loss: before } : {}) }
  const stages = [{ condition: 'SourceRetained', verdict }]
  expect(lossOf({ status }, { stages }, ['OffsetBehindSlot'])).toEqual(expected)
})
