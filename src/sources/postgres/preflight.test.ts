import { describe, expect, it } from 'vitest'

import type { SourceSpec } from '../../api/source/index.ts'
import type { PreflightFacts } from './facts.ts'
import { judgePreflight } from './preflight.ts'
import type { TableView } from './queries.ts'

type Wish = SourceSpec['tables'][number]

const view = (more: Partial<TableView> = {}): TableView => ({
  table: 'public.a',
  kind: 'r',
  persistence: 'p',
  breaksUpdates: false,
  readable: true,
  ...more,
})

const SERVER: PreflightFacts['server'] = {
  version: 150_018,
  slotFree: true,
  senderFree: true,
  keepSize: '50GB',
  standby: false,
  mayReplicate: true,
  ours: [],
}

function facts(
  wish: Partial<Wish>,
  table: TableView | undefined,
  key: readonly string[] = ['id'],
  walLevel = 'logical',
): PreflightFacts {
  return {
    spec: {
      backboneRef: { name: 'main' },
      state: 'Running',
      type: 'Postgres',
      tables: [{ name: 'public.a', ...wish }],
    },
    role: 'reader',
    slot: 's',
    columns: [],
    server: SERVER,
    database: { systemIdentifier: '1', walLevel, walEnd: 0n, slots: new Map() },
    tables: table ? [table] : [],
    shapes: new Map([['public.a', { key, columns: { id: 'int32', note: 'string' } }]]),
  }
}

const column = (more: Partial<PreflightFacts['columns'][number]>): PreflightFacts['columns'][number] => ({
  table: 'public.a',
  generated: [],
  toastable: [],
  unsupported: [],
  ...more,
})

describe('preflight', () => {
  it.each<readonly [string, PreflightFacts, string, RegExp]>([
    ['a plain table with a key can be captured', facts({}, view()), 'Ready', /1 tables can be captured/],
    ['a partitioned one too', facts({}, view({ kind: 'p' })), 'Ready', /1 tables/],
    [
      'wal_level, with the statement that repairs it',
      facts({}, view(), ['id'], 'replica'),
      'NotReady WalLevelNotLogical',
      /ALTER SYSTEM SET wal_level = logical, then restart/,
    ],
    [
      'a table that is not there',
      facts({}, undefined),
      'NotReady TableNotFound',
      /create it, or correct spec\.tables/,
    ],
    ['a view', facts({}, view({ kind: 'v' })), 'NotReady NotATable', /take it out of spec\.tables/],
    [
      'a table that is not logged',
      facts({}, view({ persistence: 'u' })),
      'NotReady TableNotLogged',
      /ALTER TABLE public\.a SET LOGGED/,
    ],
    [
      'a table that we may not read',
      facts({}, view({ readable: false })),
      'NotReady NotReadable',
      /GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON public\.a TO reader/,
    ],
    [
      'a key column that is not there needs a person',
      facts({ key: ['nope'] }, view(), ['nope']),
      'Broken KeyColumnNotFound',
      /names nope, which the table does not have/,
    ],
    ['Latest needs a key', facts({}, view(), []), 'Broken LatestNeedsKey', /or choose topic\.policy History/],
    ['a given key will do', facts({ key: ['note'] }, view(), ['note']), 'Ready', /1 tables/],
    [
      'History without a key needs a replica identity, or the application breaks',
      facts({ topic: { policy: 'History', retention: '1d' } }, view({ breaksUpdates: true }), []),
      'NotReady NoReplicaIdentity',
      /ALTER TABLE public\.a REPLICA IDENTITY FULL/,
    ],
    [
      'which it may have',
      facts({ topic: { policy: 'History', retention: '1d' } }, view(), []),
      'Ready',
      /1 tables/,
    ],
    [
      'everything is said at once, first what only a person can mend',
      facts({}, view({ readable: false }), [], 'replica'),
      'Broken LatestNeedsKey',
      /wal_level.* · .*may not read.* · .*no primary key/,
    ],
  ])('%s', (_name, given, expected, sentence) => {
    const health = judgePreflight(given)
    expect([health.type, health.reason].filter(Boolean).join(' ')).toBe(expected)
    expect(health.message).toMatch(sentence)
  })

  it.each<readonly [string, Partial<PreflightFacts>, string, string]>([
    ['a server too old', { server: { ...SERVER, version: 120_001 } }, 'VersionTooOld', 'Error'],
    ['a standby', { server: { ...SERVER, standby: true } }, 'ServerIsStandby', 'Error'],
    [
      'a role without REPLICATION',
      { server: { ...SERVER, mayReplicate: false } },
      'RoleMayNotReplicate',
      'Error',
    ],
    ['no slot left', { server: { ...SERVER, slotFree: false } }, 'NoFreeSlot', 'Error'],
    ['no sender left', { server: { ...SERVER, senderFree: false } }, 'NoFreeWalSender', 'Error'],
    ['log without a bound', { server: { ...SERVER, keepSize: '-1' } }, 'LogUnbounded', 'Warning'],
    ['a generated column', { columns: [column({ generated: ['g'] })] }, 'GeneratedColumn', 'Warning'],
    ['a large column', { columns: [column({ toastable: ['t'] })] }, 'ToastWithoutFull', 'Warning'],
    ['a multirange', { columns: [column({ unsupported: ['m'] })] }, 'UnsupportedType', 'Warning'],
  ])('finds %s, and only an error blocks', (_name, more, check, level) => {
    const found = judgePreflight({ ...facts({}, view()), ...more })
    expect(found.findings).toEqual([expect.objectContaining({ check, level })])
    expect(found.type).toBe(level === 'Error' ? 'NotReady' : 'Ready')
  })

  it('a key from the spec does not save a table that an UPDATE would fail on', () => {
    const found = judgePreflight(facts({ key: ['note'] }, view({ breaksUpdates: true }), ['note']))
    expect([found.type, found.reason]).toEqual(['NotReady', 'NoReplicaIdentity'])
  })

  it('an excluded column is not warned of', () => {
    const wish = { columns: { exclude: ['g'] } }
    const found = judgePreflight({ ...facts(wish, view()), columns: [column({ generated: ['g'] })] })
    expect(found.findings).toEqual([])
  })
})
