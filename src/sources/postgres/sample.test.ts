import { describe, expect, it } from 'vitest'

import type { SourceSpec } from '../../api/source/index.ts'
import type { ConnectorView } from '../../clients/connect.ts'
import type { SourceSample } from '../type.ts'
import type { DatabaseView, SlotView } from './queries.ts'
import { judgeStreaming, sampleOf } from './sample.ts'
import type { SlotState } from './slot.ts'

const NOW = 1_000_000
const spec: SourceSpec = {
  backboneRef: { name: 'main' },
  state: 'Running',
  type: 'Postgres',
  postgres: {
    host: 'h',
    database: 'd',
    credentialsSecretRef: { name: 's' },
    heartbeat: { interval: '2s' },
  },
  tables: [{ name: 'public.a' }],
}
const database: DatabaseView = { systemIdentifier: '1', walLevel: 'logical', walEnd: 500n, slots: new Map() }
const slot = (more: Partial<SlotView> = {}): SlotView => ({
  name: 's',
  plugin: 'pgoutput',
  database: 'd',
  active: true,
  walStatus: 'reserved',
  restart: 100n,
  confirmed: 400n,
  confirmedLsn: '0/190',
  safeBytes: undefined,
  ...more,
})
const stored = (offset: Readonly<Record<string, unknown>>): SlotState['offsets'] => [
  { partition: {}, offset },
]
const sample = (state: SlotState, more: Partial<SourceSpec> = {}): SourceSample =>
  sampleOf({ ...spec, ...more }, 's', database, state)

describe('a sample', () => {
  it('tells how much is unconfirmed and held back, and never less than nothing', () => {
    expect(sample({ slot: slot(), offsets: [] })).toMatchObject({ unconfirmedBytes: 100, retainedBytes: 400 })
    expect(sample({ slot: slot({ confirmed: 900n }), offsets: [] }).unconfirmedBytes).toBe(0)
    expect(sample({ slot: undefined, offsets: [] }).retainedBytes).toBeUndefined()
  })

  it.each<readonly [string, SlotState, SourceSample['snapshot']]>([
    ['Pending before there is a slot', { slot: undefined, offsets: undefined }, 'Pending'],
    ['Running once Debezium has made it', { slot: slot(), offsets: [] }, 'Running'],
    [
      'Running while the offset says so',
      { slot: slot(), offsets: stored({ lsn: 1, snapshot: 'INITIAL' }) },
      'Running',
    ],
    ['Completed with a plain offset', { slot: slot(), offsets: stored({ lsn: 1 }) }, 'Completed'],
  ])('the snapshot is %s', (_name, state, expected) => {
    expect(sample(state).snapshot).toBe(expected)
  })

  it.each<readonly [string, SlotView | undefined, SourceSpec['state'], string]>([
    ['not made', undefined, 'Running', 'NotReady SlotNotMade'],
    ['read', slot(), 'Running', 'Ready Healthy'],
    ['idle though it should be read', slot({ active: false }), 'Running', 'NotReady SlotInactive'],
    ['idle as asked', slot({ active: false }), 'Stopped', 'Ready Healthy'],
    ['about to lose log', slot({ walStatus: 'unreserved' }), 'Running', 'NotReady LogHeadroomLow'],
  ])('a slot that is %s', (_name, found, state, expected) => {
    const { conditions } = sample({ slot: found, offsets: [] }, { state })
    const health = conditions.find(({ type }) => type === 'SlotHealthy')?.health
    expect([health?.type, health?.reason].join(' ')).toBe(expected)
  })
})

describe('what the source side says of a connector that is RUNNING', () => {
  const view: ConnectorView = {
    name: 'c',
    config: {},
    status: { state: 'RUNNING', tasks: [{ id: 0, state: 'RUNNING', worker: 'w1:8083' }] },
  }
  const delivered = (secondsAgo: number) => stored({ lsn: 1, ts_usec: (NOW - secondsAgo * 1_000) * 1_000 })
  it.each<readonly [string, SlotState, string]>([
    ['it has just started', { slot: undefined, offsets: [] }, 'NotReady Starting'],
    ['it takes its snapshot', { slot: slot({ active: false }), offsets: [] }, 'Ready Snapshotting'],
    ['it delivers', { slot: slot(), offsets: delivered(1) }, 'Ready Streaming'],
    [
      'it has been silent no longer than a heartbeat may take',
      { slot: slot(), offsets: delivered(20) },
      'Ready Streaming',
    ],
    ['it has been silent for longer', { slot: slot(), offsets: delivered(21) }, 'NotReady NotAdvancing'],
    [
      'nobody reads the slot',
      { slot: slot({ active: false }), offsets: delivered(1) },
      'NotReady NotStreaming',
    ],
  ])('%s', (_name, state, expected) => {
    const health = judgeStreaming(sample(state), view, NOW)
    expect([health.type, health.reason].join(' ')).toBe(expected)
  })

  it('the sentence about silence stays the same as it goes on, so that the status is not written again', () => {
    const say = (seconds: number) =>
      judgeStreaming(sample({ slot: slot(), offsets: delivered(seconds) }), view, NOW)
    expect(say(31)).toEqual(say(300))
    expect(say(31)).toMatchObject({ message: expect.stringMatching(/for more than 20 s: .* worker w1:8083/) })
  })
})
