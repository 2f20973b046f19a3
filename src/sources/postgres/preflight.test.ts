import { describe, expect, it } from 'vitest'

import type { SourceSpec } from '../../api/source/index.ts'
import { judgePreflight, type PreflightFacts } from './preflight.ts'
import type { TableView } from './queries.ts'

type Wish = SourceSpec['tables'][number]

const view = (more: Partial<TableView> = {}): TableView => ({
  table: 'public.a',
  kind: 'r',
  persistence: 'p',
  replicaIdentity: 'd',
  readable: true,
  ...more,
})

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
    database: { systemIdentifier: '1', walLevel, walEnd: 0n, slots: new Map() },
    tables: table ? [table] : [],
    shapes: new Map([['public.a', { key, columns: { id: 'int32', note: 'string' } }]]),
  }
}

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
      facts({ topic: { policy: 'History', retention: '1d' } }, view(), []),
      'NotReady NoReplicaIdentity',
      /ALTER TABLE public\.a REPLICA IDENTITY FULL/,
    ],
    [
      'which it may have',
      facts({ topic: { policy: 'History', retention: '1d' } }, view({ replicaIdentity: 'f' }), []),
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
})
