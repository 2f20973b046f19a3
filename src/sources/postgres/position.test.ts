import { describe, expect, it } from 'vitest'

import type { ConnectOffset } from '../../clients/connect.ts'
import { positionOf, refuseLoss, retention } from './position.ts'
import type { SlotView } from './queries.ts'

const offsets = (offset: Readonly<Record<string, unknown>>): readonly ConnectOffset[] => [
  { partition: { server: 'p' }, offset },
]
const slot = (more: Partial<SlotView> = {}): SlotView => ({
  name: 's',
  plugin: 'pgoutput',
  database: 'd',
  active: false,
  walStatus: 'reserved',
  restart: 100n,
  confirmed: 1_000n,
  confirmedLsn: '0/3E8',
  safeBytes: undefined,
  holder: undefined,
  catalogAge: undefined,
  inactiveSince: undefined,
  ...more,
})

describe('the stored position', () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, ReturnType<typeof positionOf>]>([
    [
      'is the furthest that the offset speaks of',
      { lsn: 10, lsn_proc: 12, lsn_commit: 11, ts_usec: 5_000 },
      { furthest: 12n, deliveredAt: 5, snapshotRunning: false, streamed: true },
    ],
    [
      'keeps every digit',
      { lsn: 9_007_199_254_740_993n },
      { furthest: 9_007_199_254_740_993n, deliveredAt: undefined, snapshotRunning: false, streamed: false },
    ],
    [
      'may lack positions',
      { ts_usec: 5_000 },
      { furthest: undefined, deliveredAt: 5, snapshotRunning: false, streamed: false },
    ],
    [
      'tells of a snapshot under way',
      { lsn: 1, snapshot: 'INITIAL', snapshot_completed: false },
      { furthest: 1n, deliveredAt: undefined, snapshotRunning: true, streamed: false },
    ],
    [
      'and of one that is done',
      { lsn: 1, snapshot: 'INITIAL', snapshot_completed: true },
      { furthest: 1n, deliveredAt: undefined, snapshotRunning: false, streamed: false },
    ],
  ])('%s', (_name, offset, position) => {
    expect(positionOf(offsets(offset))).toEqual(position)
  })

  it.each([
    ['without a connector', undefined],
    ['before anything is stored', []],
  ])('is none %s', (_name, stored) => {
    expect(positionOf(stored)).toBeUndefined()
  })
})

describe('retention', () => {
  it.each<readonly [string, SlotView | undefined, readonly ConnectOffset[] | undefined, string]>([
    ['neither slot nor connector: the first start makes the slot', undefined, undefined, 'Ready NotYetMade'],
    ['a connector without position or slot: the same', undefined, [], 'Ready NotYetMade'],
    ['a position without its slot: changes are lost', undefined, offsets({ lsn: 1 }), 'Broken SlotMissing'],
    ['a slot whose log was thrown away', slot({ walStatus: 'lost' }), offsets({ lsn: 1 }), 'Broken SlotLost'],
    ['a slot before the snapshot', slot(), undefined, 'Broken SlotExistsBeforeSnapshot'],
    ['a slot that the snapshot just made', slot({ active: true }), [], 'Ready'],
    ['a slot at the stored position', slot(), offsets({ lsn: 1_000 }), 'Ready'],
    ['a slot behind the stored position', slot(), offsets({ lsn: 2_000 }), 'Ready'],
    ['an idle slot beyond the stored position', slot(), offsets({ lsn: 999 }), 'Broken OffsetBehindSlot'],
    [
      'beyond one of the positions, not of the furthest',
      slot(),
      offsets({ lsn: 1, lsn_proc: 1_000, lsn_commit: 1 }),
      'Ready',
    ],
    [
      'a slot that is read: it moves before the offset is looked at',
      slot({ active: true }),
      offsets({ lsn: 999 }),
      'Ready',
    ],
    [
      'a slot that is read, and was made after the snapshot',
      slot({ active: true, restart: 1_000n, confirmed: 1_050n }),
      offsets({ lsn: 999 }),
      'Broken OffsetBehindSlot',
    ],
    [
      'one that was made with it, before the stream is stored',
      slot({ active: true, restart: 999n, confirmed: 1_050n }),
      offsets({ lsn: 999 }),
      'Ready',
    ],
    [
      'one that lets go of log before its offset is looked at',
      slot({ active: true, restart: 1_000n, confirmed: 1_050n }),
      offsets({ lsn: 999, lsn_proc: 999 }),
      'Ready',
    ],
    [
      'one under a snapshot that is to be begun anew',
      slot({ active: true, restart: 1_000n, confirmed: 1_050n }),
      offsets({ lsn: 999, snapshot: 'INITIAL', snapshot_completed: false }),
      'Ready',
    ],
    ['a slot that has confirmed nothing', slot({ confirmed: undefined }), offsets({ lsn: 1 }), 'Ready'],
  ])('%s', (_name, found, stored, expected) => {
    const health = retention('s', found, stored)
    expect([health.type, health.reason].filter(Boolean).join(' ')).toBe(expected)
  })

  it('says by how much, and what to do', () => {
    expect(retention('s', slot(), offsets({ lsn: 400 })).message).toMatch(
      /slot s was moved 600 bytes beyond the stored position.*Set snapshot.mode to WhenNeeded, or delete this Source/,
    )
    expect(retention('s', slot(), undefined).message).toContain(`SELECT pg_drop_replication_slot('s')`)
  })

  it('a start is refused where rows would be lost, and only there', () => {
    expect(() => refuseLoss(retention('s', undefined, offsets({ lsn: 1 })))).toThrow(
      expect.objectContaining({ name: 'Stalled', reason: 'SlotMissing' }),
    )
    expect(() => refuseLoss(retention('s', slot(), offsets({ lsn: 1_000 })))).not.toThrow()
  })
})
