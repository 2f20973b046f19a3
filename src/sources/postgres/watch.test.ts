import { describe, expect, it } from 'vitest'

import type { SourceSpec } from '../../api/source/index.ts'
import { createBoard } from '../../lag/board.ts'
import type { DatabaseView, SlotView } from './queries.ts'
import { type SlotWatch, watchSlot } from './watch.ts'

const START = 1_000_000
const spec: SourceSpec = {
  ...{ backboneRef: { name: 'main' }, state: 'Running', type: 'Postgres', tables: [{ name: 'public.a' }] },
  postgres: {
    ...{ host: 'h', database: 'd', credentialsSecretRef: { name: 's' }, heartbeat: { interval: '2s' } },
  },
}
const slot = (more: Partial<SlotView> = {}): SlotView => ({
  ...{ name: 's', plugin: 'pgoutput', database: 'd', active: true, walStatus: 'reserved', restart: 100n },
  ...{ confirmed: 400n, confirmedLsn: '0/190', safeBytes: undefined, catalogAge: undefined },
  ...{ holder: undefined, inactiveSince: undefined },
  ...more,
})

/** What as many looks, five seconds apart, come to. */
function watched(
  count: number,
  slotAt: (index: number) => SlotView,
  state: SourceSpec['state'] = 'Running',
): SlotWatch {
  const clock = { now: START }
  const history = createBoard(() => clock.now).of('Source:n/s')
  const watches = Array.from({ length: count }, (_, index) => {
    clock.now += 5_000
    const database: DatabaseView = {
      ...{ systemIdentifier: '1', walLevel: 'logical', walEnd: BigInt(1_000 + index * 100), longWriters: [] },
      heartbeatFunction: 'pg_logical_emit_message(boolean,text,text)',
      slots: new Map([['s', slotAt(index)]]),
    }
    return watchSlot({
      ...{ spec: { ...spec, state }, shown: undefined, slotName: 's', role: 'reader', database, history },
      offsetFlushMs: 60_000,
      now: clock.now,
    })
  })
  const last = watches.at(-1)
  if (!last) throw new Error('look at least once')
  return last
}
const reason = ({ health }: SlotWatch) => health.reason

describe('a slot over two minutes', () => {
  it('shows its position and idleness while nobody reads it, and not while it moves', () => {
    expect(watched(1, () => slot()).status).toEqual({
      ...{ name: 's', active: true, walStatus: 'reserved' },
      headroom: 'not bounded: max_slot_wal_keep_size is not set',
    })
    const idle = watched(1, () => slot({ active: false }))
    expect(idle.status).toMatchObject({ confirmedLsn: '0/190', idleSince: '1970-01-01T00:16:45Z' })
  })

  it('asks for a look when it moves with nobody reading it, and not for the time that passes', () => {
    const at = (more: Partial<SlotView>) => watched(1, () => slot(more)).face
    expect(at({ active: false, confirmedLsn: '0/191' })).not.toBe(at({ active: false }))
    expect(at({ confirmedLsn: '0/191' })).toBe(at({}))
    const idle = () => slot({ active: false })
    expect(watched(2, idle).face).toBe(watched(1, idle).face)
  })

  it('is SlotInactive with the third look in which nobody reads it, unless it is so asked', () => {
    const idle = () => slot({ active: false })
    expect(reason(watched(2, idle))).toBe('Healthy')
    expect(reason(watched(3, idle))).toBe('SlotInactive')
    expect(reason(watched(3, idle, 'Stopped'))).toBe('Healthy')
  })

  it('is SlotNotAdvancing when its position stands still while the log grows', () => {
    expect(reason(watched(18, () => slot()))).toBe('SlotNotAdvancing')
    expect(reason(watched(16, () => slot()))).toBe('Healthy')
    const moving = (index: number) => slot({ confirmed: BigInt(400 + (index > 15 ? 1 : 0)) })
    expect(reason(watched(24, moving))).toBe('Healthy')
    const backAfter = (index: number) => slot({ active: index > 10 })
    expect(reason(watched(24, backAfter))).toBe('Healthy')
    expect(reason(watched(24, () => slot(), 'Paused'))).toBe('Healthy')
  })

  it('tells headroom that shrinks in words, and within the hour it is LogHeadroomLow', () => {
    const shrinking = (bytes: number, each: number) =>
      watched(10, (index) => slot({ safeBytes: BigInt(bytes - index * each) }))
    const days = shrinking(1_000_000, 10)
    expect(days.status.headroom).toBe('lost in ~3 d at the present rate')
    expect(reason(days)).toBe('Healthy')
    const minutes = shrinking(1_000_000, 10_000)
    expect(minutes.status.headroom).toBe('lost in less than 10 min at the present rate')
    expect(reason(minutes)).toBe('LogHeadroomLow')
    expect(shrinking(1_000_000, 0).status.headroom).toBe('not lost within two weeks at the present rate')
  })
})
