import { describe, expect, it } from 'vitest'

import type { SourceTable } from '../../api/source/index.ts'
import { preflightOf } from '../preflight.ts'
import { findingsOf } from './preflight.ts'
import type { PreflightFacts } from './preflight-facts.ts'
import type { PublicationWish } from './publication.ts'
import type { PublicationView, TableView } from './queries.ts'

type Wish = SourceTable

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
  tls: true,
  pooled: false,
  mayReplicate: true,
  marks: [],
}

const WISH: PublicationWish = {
  ...{
    name: 'p',
    tables: ['public.a'],
    owner: 'i/n/s',
    others: 'Remove',
    management: 'Managed',
    adoption: 'Refuse',
  },
}
const PUBLISHER = { role: 'owner', mayCreate: true, notOwned: [] }
const PUBLISHED: PublicationView = {
  ...{ comment: undefined, allTables: false, viaRoot: true, tables: ['public.a'] },
  ...{ unpublished: [], filtered: [], columnLists: [] },
}
const external = (more: Partial<PublicationView> | undefined): Partial<PreflightFacts> => ({
  publication: {
    wish: { ...WISH, management: 'External' },
    view: more && { ...PUBLISHED, ...more },
  },
})
const onStandbys: PreflightFacts['spec'] = {
  ...{ backboneRef: { name: 'main' }, state: 'Running', type: 'Postgres', tables: [{ name: 'public.a' }] },
  postgres: {
    ...{ host: 'db', database: 'shop', credentialsSecretRef: { name: 's' } },
    slot: { failover: 'Enabled' },
  },
}
const writer = { pid: 7, user: 'app', database: 'shop', since: '2026-01-02T03:04:05Z' }

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
    ourSlots: new Set(),
    publication: { wish: WISH, view: undefined },
    publisher: PUBLISHER,
    database: {
      systemIdentifier: '1',
      walLevel,
      walEnd: 0n,
      slots: new Map(),
      longWriters: [],
      heartbeatFunction: 'pg_logical_emit_message(boolean,text,text)',
    },
    tables: table ? [table] : [],
    shapes: new Map([['public.a', { key, columns: { id: 'int32', note: 'string' } }]]),
  }
}

const column = (more: Partial<PreflightFacts['columns'][number]>): PreflightFacts['columns'][number] => ({
  table: 'public.a',
  generated: [],
  toastable: [],
  nulled: [],
  unsupported: [],
  lossy: [],
  ...more,
})

const judgePreflight = (given: PreflightFacts) => preflightOf(findingsOf(given), given.spec.tables.length)

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
    ['a server that keeps no slots on standbys', { spec: onStandbys }, 'FailoverNotSupported', 'Error'],
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
    ['a pooler', { server: { ...SERVER, pooled: true } }, 'PoolerInPath', 'Warning'],
    ['a server without TLS', { server: { ...SERVER, tls: false } }, 'NotEncrypted', 'Warning'],
    [
      'a role that may not publish',
      { publisher: { ...PUBLISHER, mayCreate: false } },
      'PublicationNotPermitted',
      'Error',
    ],
    [
      'tables of others',
      { publisher: { ...PUBLISHER, notOwned: ['public.a'] } },
      'PublicationNotPermitted',
      'Error',
    ],
    ['no publication where it is external', external(undefined), 'PublicationMissing', 'Error'],
    ['a table that it lacks', external({ tables: [] }), 'PublicationLacksTables', 'Error'],
    [
      'operations that it lacks',
      external({ unpublished: ['delete'] }),
      'PublicationLacksOperations',
      'Error',
    ],
    ['rows that it leaves out', external({ filtered: ['public.a'] }), 'PublicationFiltersRows', 'Warning'],
    [
      'columns that it leaves out',
      external({ columnLists: ['public.a'] }),
      'PublicationFiltersColumns',
      'Warning',
    ],
    [
      'partitions under their own names',
      { ...external({ viaRoot: false }), tables: [view({ kind: 'p' })] },
      'PublicationNotViaRoot',
      'Error',
    ],
    [
      'a transaction for which the slot would wait',
      {
        database: {
          systemIdentifier: '1',
          walLevel: 'logical',
          walEnd: 0n,
          slots: new Map(),
          longWriters: [writer],
          heartbeatFunction: 'pg_logical_emit_message(boolean,text,text)',
        },
      },
      'LongTransaction',
      'Warning',
    ],
    ['a generated column', { columns: [column({ generated: ['g'] })] }, 'GeneratedColumn', 'Warning'],
    ['a large column', { columns: [column({ toastable: ['t'] })] }, 'ToastWithoutFull', 'Warning'],
    [
      'a large array',
      { columns: [column({ toastable: ['t'], nulled: ['t'] })] },
      'ToastBecomesNull',
      'Warning',
    ],
    ['an array of money', { columns: [column({ unsupported: ['m'] })] }, 'UnsupportedType', 'Warning'],
    [
      'an array of times',
      { columns: [column({ lossy: [{ column: 't', part: 'its microseconds' }] })] },
      'LossyType',
      'Warning',
    ],
  ])('finds %s, and only an error blocks', (_name, more, check, level) => {
    const found = judgePreflight({ ...facts({}, view()), ...more })
    expect(found.findings).toEqual([expect.objectContaining({ check, level })])
    expect(found.type).toBe(level === 'Error' ? 'NotReady' : 'Ready')
  })

  it('a key from the spec does not save a table that an UPDATE would fail on', () => {
    const found = judgePreflight(facts({ key: ['note'] }, view({ breaksUpdates: true }), ['note']))
    expect([found.type, found.reason]).toEqual(['NotReady', 'NoReplicaIdentity'])
  })

  it('a publication of our name that is not ours needs a person', () => {
    const publication = { wish: WISH, view: PUBLISHED }
    const found = judgePreflight({ ...facts({}, view()), publication })
    expect([found.type, found.reason]).toEqual(['Broken', 'NotOurs'])
    const adopted = { wish: { ...WISH, adoption: 'Adopt' as const }, view: PUBLISHED }
    expect(judgePreflight({ ...facts({}, view()), publication: adopted }).type).toBe('Ready')
  })

  it('an external publication that has everything is as good as ours', () => {
    expect(judgePreflight({ ...facts({}, view()), ...external({}) }).findings).toEqual([])
  })

  it.each<NonNullable<Wish['columns']>>([{ exclude: ['id'] }, { include: ['note'] }])(
    'a key that columns %o leave out is an error',
    (columns) => {
      const shapes = new Map([['public.a', { key: ['id'], columns: { note: 'string' as const } }]])
      const found = judgePreflight({ ...facts({ columns }, view()), shapes })
      expect([found.type, found.reason]).toEqual(['Broken', 'KeyColumnLeftOut'])
    },
  )

  it('an excluded column is not warned of', () => {
    const wish = { columns: { exclude: ['g'] } }
    const found = judgePreflight({ ...facts(wish, view()), columns: [column({ generated: ['g'] })] })
    expect(found.findings).toEqual([])
  })
})
