import { describe, expect, it } from 'vitest'
import { headroomWords, type SlotLook, slotHealth } from './health.ts'
import type { SlotView } from './queries.ts'

const slot = (more: Partial<SlotView> = {}): SlotView => ({
  ...{ name: 's', plugin: 'pgoutput', database: 'd', active: true, walStatus: 'reserved', restart: 100n },
  ...{ confirmed: 400n, confirmedLsn: '0/190', safeBytes: undefined, catalogAge: undefined },
  holder: { pid: 7, user: 'reader', application: 'Debezium Streaming' },
  inactiveSince: undefined,
  ...more,
})
const look = (found: SlotView | undefined, more: Partial<SlotLook> = {}): SlotLook => ({
  ...{ name: 's', slot: found, wanted: 'Running', role: 'reader', longWriters: [] },
  heartbeatFunction: 'pg_logical_emit_message(boolean,text,text)',
  ...{ idle: false, held: false, idleSince: undefined, still: false, headroomSeconds: undefined },
  ...more,
})
const holder = (user: string, application: string) => slot({ holder: { pid: 7, user, application } })
const writer = { pid: 9, user: 'app', database: 'd', since: '2026-01-02T03:04:05Z' }

describe('the health of a slot', () => {
  it.each<readonly [string, SlotLook, string, RegExp]>([
    ['not made', look(undefined), 'SlotNotMade', /does not exist yet/],
    ['read', look(slot()), 'Healthy', /is read/],
    [
      'idle as asked',
      look(slot({ active: false, holder: undefined }), { wanted: 'Stopped' }),
      'Healthy',
      /idle as asked/,
    ],
    ['lost', look(slot({ walStatus: 'lost' })), 'SlotLost', /has lost log/],
    [
      'being made behind a transaction',
      look(slot({ confirmed: undefined }), { longWriters: [writer] }),
      'SlotWaitsForTransaction',
      /of app \(pid 9, open since 2026-01-02T03:04:05Z\).*pg_terminate_backend\(9\)/,
    ],
    ['made, whatever else goes on', look(slot(), { longWriters: [writer] }), 'Healthy', /is read/],
    [
      'read by another role',
      look(holder('spy', '')),
      'SlotInUse',
      /process 7 \(role spy.*pg_terminate_backend\(7\)/,
    ],
    ['read by another program', look(holder('reader', 'pg_recvlogical')), 'SlotInUse', /pg_recvlogical/],
    ['read by somebody whom we may not see', look(holder('', '')), 'Healthy', /is read/],
    ['read though it is Stopped', look(slot(), { wanted: 'Stopped', held: true }), 'SlotInUse', /Debezium/],
    ['about to lose log', look(slot({ walStatus: 'unreserved' })), 'LogHeadroomLow', /next checkpoint/],
    [
      'losing log within the hour',
      look(slot(), { headroomSeconds: 3_599 }),
      'LogHeadroomLow',
      /within the hour/,
    ],
    ['losing it later', look(slot(), { headroomSeconds: 3_601 }), 'Healthy', /is read/],
    [
      'idle',
      look(slot({ active: false, holder: undefined }), { idle: true, idleSince: 'T' }),
      'SlotInactive',
      /since T/,
    ],
    [
      'still',
      look(slot(), { still: true }),
      'SlotNotAdvancing',
      /stands still while the log grows.*GRANT EXECUTE ON FUNCTION pg_logical_emit_message\(boolean,text,text\) TO/,
    ],
  ])('%s', (_name, given, reason, sentence) => {
    const health = slotHealth(given)
    expect([health.type === 'Ready', health.reason]).toEqual([reason === 'Healthy', reason])
    expect(health.message).toMatch(sentence)
  })
})

describe('headroom in words', () => {
  it.each([
    [0, 'lost in less than 10 min at the present rate'],
    [3_600, 'lost in ~1 h at the present rate'],
    [20_000, 'lost in ~3 h at the present rate'],
    [Number.POSITIVE_INFINITY, 'not lost within two weeks at the present rate'],
  ])('%d s', (seconds, words) => {
    expect(headroomWords(seconds, undefined)).toBe(words)
  })

  it('stays until it is two steps away', () => {
    const shown = 'lost in ~3 h at the present rate'
    expect(headroomWords(30_000, shown)).toBe(shown)
    expect(headroomWords(5_000, shown)).toBe(shown)
    expect(headroomWords(50_000, shown)).toBe('lost in ~12 h at the present rate')
    expect(headroomWords(2_000, shown)).toBe('lost in ~30 min at the present rate')
  })
})
