import { describe, expect, it } from 'vitest'

import type { SourceSpec } from '../../api/source/index.ts'
import type { ConnectorView } from '../../clients/connect.ts'
import { Waiting } from '../../lib/verdict.ts'
import type { SourceSample } from '../type.ts'
import type { DatabaseView, SlotView } from './queries.ts'
import { judgeStreaming, type SampleInput, sampleOf } from './sample.ts'
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
const database: DatabaseView = {
  systemIdentifier: '1',
  walLevel: 'logical',
  walEnd: 500n,
  slots: new Map(),
  longWriters: [],
  heartbeatFunction: 'pg_logical_emit_message(boolean,text,text)',
}
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
  holder: undefined,
  catalogAge: undefined,
  inactiveSince: undefined,
  ...more,
})
const stored = (offset: Readonly<Record<string, unknown>>): SlotState['offsets'] => [
  { partition: {}, offset },
]
const delivered = (secondsAgo: number) => stored({ lsn: 400, ts_usec: (NOW - secondsAgo * 1_000) * 1_000 })
const sample = (
  state: SlotState,
  more: Partial<SourceSpec> = {},
  seen: Partial<Pick<SampleInput, 'silence' | 'reachedAt'>> = {},
): SourceSample =>
  sampleOf({
    ...{ spec: { ...spec, ...more }, shown: undefined, database, state, offsetFlushMs: 1_000, now: NOW },
    watch: { health: { type: 'Ready' }, status: { name: 's' }, face: '' },
    ...{ reachedAt: () => undefined, silence: undefined, ...seen },
  })
const figures = (...args: Parameters<typeof sample>) => sample(...args).figures

describe('a sample', () => {
  it('tells how much is unconfirmed and held back, and never less than nothing', () => {
    expect(figures({ slot: slot(), offsets: [] })).toMatchObject({
      unconfirmedBytes: 100,
      retainedBytes: 400,
    })
    expect(figures({ slot: slot({ confirmed: 900n }), offsets: [] }).unconfirmedBytes).toBe(0)
    expect(figures({ slot: undefined, offsets: [] }).retainedBytes).toBeUndefined()
  })

  it.each<readonly [string, SlotState, number | undefined, number | undefined]>([
    ['0 while only what has to be waits', { slot: slot(), offsets: 'NotAsked' }, NOW - 9_000, 0],
    ['what is beyond that', { slot: slot(), offsets: 'NotAsked' }, NOW - 14_000, 5],
    [
      'by the stored commit time where the slot is too old',
      { slot: slot(), offsets: delivered(300) },
      undefined,
      291,
    ],
    ['unknown during a snapshot', { slot: slot(), offsets: [] }, NOW, undefined],
  ])('seconds behind are %s', (_name, state, reached, expected) => {
    expect(figures(state, {}, { reachedAt: () => reached }).seconds).toBe(expected)
  })

  it('a slot that tells enough is past its snapshot', () => {
    expect(sample({ slot: slot(), offsets: 'NotAsked' }).snapshot).toBe('Completed')
  })

  it.each<readonly [string, SlotState, SourceSample['snapshot']]>([
    ['Pending before there is a slot', { slot: undefined, offsets: undefined }, 'Pending'],
    ['Running once Debezium has made it', { slot: slot(), offsets: [] }, 'Running'],
    [
      'Running while the offset says so',
      { slot: slot(), offsets: stored({ lsn: 400, snapshot: 'INITIAL' }) },
      'Running',
    ],
    ['Pending where an offset’s slot is gone', { slot: undefined, offsets: stored({ lsn: 400 }) }, 'Pending'],
    ['Completed with a plain offset', { slot: slot(), offsets: stored({ lsn: 400 }) }, 'Completed'],
  ])('the snapshot is %s', (_name, state, expected) => {
    expect(sample(state).snapshot).toBe(expected)
  })

  it('without offsets the snapshot is what it was', () => {
    const unknown = new Waiting('ConnectUnreachable', 'is away')
    expect(sample({ slot: slot(), offsets: undefined, unknown }).snapshot).toBe('Pending')
  })
})

describe('what the source side says of a connector that is RUNNING', () => {
  const view: ConnectorView = {
    name: 'c',
    config: {},
    status: { state: 'RUNNING', tasks: [{ id: 0, state: 'RUNNING', worker: 'w1:8083' }] },
  }
  it.each<readonly [string, SlotState, number | undefined, string]>([
    ['it has just started', { slot: undefined, offsets: [] }, undefined, 'NotReady Starting'],
    [
      'it takes its snapshot',
      { slot: slot({ active: false }), offsets: [] },
      undefined,
      'Ready Snapshotting',
    ],
    ['it delivers', { slot: slot(), offsets: 'NotAsked' }, 1, 'Ready Streaming'],
    [
      'silence is no longer than a heartbeat takes',
      { slot: slot(), offsets: 'NotAsked' },
      20,
      'Ready Streaming',
    ],
    ['it is silent for longer', { slot: slot(), offsets: 'NotAsked' }, 21, 'NotReady NotAdvancing'],
    [
      'nobody reads',
      { slot: slot({ active: false }), offsets: stored({ lsn: 400 }) },
      1,
      'NotReady NotStreaming',
    ],
  ])('%s', (_name, state, silence, expected) => {
    const health = judgeStreaming(sample(state, {}, { silence }), view)
    expect([health.type, health.reason].join(' ')).toBe(expected)
  })

  it('whose slot nobody reads is told with its worker, which may be dead', () => {
    const state = { slot: slot({ active: false }), offsets: stored({ lsn: 400 }) }
    expect(judgeStreaming(sample(state), view)).toMatchObject({
      message: expect.stringMatching(/see that worker w1:8083 runs.*its log.*restart no connector before/),
    })
  })

  it('the sentence about silence stays the same as it goes on, so that the status is not written again', () => {
    const say = (silence: number) =>
      judgeStreaming(sample({ slot: slot(), offsets: 'NotAsked' }, {}, { silence }), view)
    expect(say(31)).toEqual(say(300))
    expect(say(31)).toMatchObject({ message: expect.stringMatching(/for more than 20 s: .* worker w1:8083/) })
  })
})
