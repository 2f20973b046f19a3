import { z } from 'zod'

import {
  duration,
  localRef,
  nameList,
  partitions,
  type Resource,
  retentionRules,
  runState,
  size,
  statusBase,
  topicConfig,
  topicPolicy,
} from '../common.ts'
import { AGE_COLUMN, type KindDefinition, READY_COLUMNS } from '../crd/definition.ts'
import {
  explained,
  immutable,
  intOrString,
  keyed,
  mapOf,
  rules,
  setOf,
  text,
  unionRules,
} from '../crd/schema.ts'
import { postgres, postgresImmutable, postgresStatus } from './postgres.ts'

const tableName = rules(text(127), {
  rule: "self.matches('^[^.]+[.][^.]+$')",
  message: 'write schema.table, like public.orders or shop.order_*',
  messageExpression: `'"' + self + '" is no table: write schema.table, like public.orders or shop.order_*'`,
})

const column = () => text(63)

const table = z.object({
  name: explained(
    tableName,
    'schema.table, matched as a whole; * stands for any part of a name. What matches later is added, and what one’s own name has counts before patterns, these in their order.',
  ),
  columns: explained(
    rules(z.object({ include: setOf(column(), 200).optional(), exclude: setOf(column(), 200).optional() }), {
      rule: '!(has(self.include) && has(self.exclude))',
      message: 'name columns to include or to exclude, not both',
    }).optional(),
    'include: these alone, whatever columns are added later. exclude: all others. Default: all.',
  ),
  key: explained(
    setOf(column(), 16).optional(),
    'The columns that identify a row, for a table without a primary key.',
  ),
  topic: rules(
    z.object({
      policy: topicPolicy().optional(),
      retention: duration().optional(),
      partitions: partitions().optional(),
    }),
    ...retentionRules,
  ).optional(),
})

const topics = rules(
  z.object({
    prefix: explained(
      rules(text(200), {
        rule: "self.matches('^[a-zA-Z0-9_][a-zA-Z0-9._-]*$')",
        message: 'a prefix is made of a-z, A-Z, 0-9, dots, - and _',
      }).optional(),
      'Topics are named prefix.schema.table. Default: namespace.name.',
    ),
    partitions: partitions().optional(),
    policy: explained(
      topicPolicy().optional(),
      'Latest (default): the last value of each key. History: all, for the retention. Forever: all.',
    ),
    retention: duration().optional(),
    config: topicConfig().optional(),
    unmanagedConfig: explained(
      setOf(text(249), 64).optional(),
      'Settings that somebody else looks after: never compared, never set.',
    ),
  }),
  ...retentionRules,
)

const OWNED_SETTINGS = [
  ...['name', 'connector.class', 'tasks.max', 'topic.prefix', 'table.include.list', 'schema.include.list'],
  ...['slot.name', 'publication.name', 'publication.autocreate.mode', 'plugin.name', 'snapshot.mode'],
  ...['tombstones.on.delete', 'decimal.handling.mode', 'time.precision.mode', 'skipped.operations'],
  ...[
    'message.key.columns',
    'column.include.list',
    'column.exclude.list',
    'penstock.owner',
    'lsn.flush.mode',
    'slot.drop.on.stop',
    'slot.failover',
    'read.only',
  ],
]
const ownedSetting = `k in [${OWNED_SETTINGS.map((key) => `'${key}'`).join(', ')}] || k.startsWith('database.') || k.startsWith('key.converter') || k.startsWith('value.converter') || k.startsWith('topic.creation') || k.startsWith('heartbeat.') || k.startsWith('signal.')`

const connector = z.object({
  config: explained(
    rules(mapOf(intOrString(), 100), {
      rule: `!self.exists(k, ${ownedSetting})`,
      message: 'Penstock sets this itself: take it away here',
      messageExpression: `self.map(k, ${ownedSetting}, 'Penstock sets ' + k + ' itself: take it away here')[0]`,
      reason: 'FieldValueForbidden',
    }).optional(),
    'Further connector settings, by Debezium’s own names. Those that Penstock sets are refused.',
  ),
  autoRestart: explained(
    z.object({ enabled: z.boolean() }).optional(),
    'Failed tasks are started again with growing waits. Default: enabled.',
  ),
})

const retain = (word: string) => z.enum(['Retain', word])

const spec = rules(
  z.object({
    backboneRef: localRef('Backbone'),
    state: explained(
      runState().default('Running'),
      'Running; Paused: the slot stays in use and holds the log back; Stopped: no task runs, the slot still holds the log back.',
    ),
    type: explained(z.enum(['Postgres']), 'The kind of database.'),
    postgres: postgres.optional(),
    tables: explained(keyed(table, 1_000, 'name').min(1), 'The tables whose changes are captured.'),
    snapshot: explained(
      z.object({ mode: z.enum(['Initial', 'WhenNeeded', 'Never']).optional() }).optional(),
      'Initial (default): first the rows that are there, then every change. WhenNeeded: also again, by itself, when changes were lost. Never: changes alone.',
    ),
    latency: explained(
      z.enum(['Interactive', 'Balanced', 'Throughput']).optional(),
      'Polling and batching: Interactive 20 ms, Balanced (default) 100 ms, Throughput 500 ms with large batches.',
    ),
    topics: topics.optional(),
    thresholds: z.object({ lag: duration().optional(), retainedBytes: size().optional() }).optional(),
    adoptionPolicy: explained(
      z.enum(['Refuse', 'Adopt']).optional(),
      'What happens to a connector or publication of our name without our mark. Default: Refuse.',
    ),
    onDelete: explained(
      z
        .object({
          topics: retain('Delete').optional(),
          slot: retain('Drop').optional(),
          publication: retain('Drop').optional(),
          offsets: retain('Reset').optional(),
        })
        .optional(),
      'What becomes of the parts when the Source is deleted. Default: topics Retain, slot Drop, publication Drop, offsets Reset.',
    ),
    connector: connector.optional(),
  }),
  ...unionRules(['Postgres']),
  immutable('type', 'make another Source'),
  immutable('topics.prefix', 'the topics are named after it: make another Source'),
  {
    rule: 'self.backboneRef == oldSelf.backboneRef',
    message: 'backboneRef cannot change: the position belongs to one Kafka. Make another Source',
    fieldPath: '.backboneRef',
    reason: 'FieldValueForbidden',
  },
  ...postgresImmutable,
)

const connectorStatus = z.object({
  name: text(253),
  state: text(20),
  version: text(100).optional(),
  credentials: explained(
    text(16).optional(),
    'The version of the credentials that it has been given: changes when the Secret does.',
  ),
  tasks: keyed(
    z.object({ id: z.int(), state: text(20), worker: text(300), trace: text(1_024).optional() }),
    20,
    'id',
  ).optional(),
  restarts: z.int().optional(),
})

const finding = z.object({
  check: text(63),
  level: explained(
    z.enum(['Error', 'Warning']),
    'An Error keeps the Source from starting, a Warning never does.',
  ),
  table: explained(text(127), 'Empty: the whole database.'),
  found: text(1_024),
  remedy: text(1_024),
})

const status = z.object({
  ...statusBase(),
  ...postgresStatus(),
  connector: connectorStatus.optional(),
  preflight: explained(
    keyed(finding, 20, 'check', 'table').optional(),
    'What was found before the start and since: errors first, each with what repairs it.',
  ),
  snapshot: z
    .object({
      state: z.enum(['Pending', 'Running', 'Completed']),
      tables: explained(text(20).optional(), 'Done of all.'),
      pending: explained(
        keyed(
          z.object({ table: text(127), state: z.enum(['Waiting', 'Copying', 'Failed']) }),
          20,
          'table',
        ).optional(),
        'Tables whose rows have still to come: the first 20.',
      ),
      rows: explained(z.int().optional(), 'Rows that the present copy has come to, in steps.'),
    })
    .optional(),
  topics: z
    .object({
      prefix: text(249),
      count: z.int(),
      names: nameList().optional(),
      retained: explained(nameList().optional(), 'Topics of tables that are no longer captured.'),
    })
    .optional(),
  lag: explained(
    z.object({ seconds: z.int().optional(), unconfirmedBytes: z.int().optional() }).optional(),
    'The worst of the last two minutes, in steps; exact figures are metrics.',
  ),
  loss: explained(
    z.object({ reason: text(63), message: text(1_024) }).optional(),
    'Changes that were lost, until a new snapshot makes them good.',
  ),
  identity: explained(
    z.object({ database: text(100), kafkaClusterId: text(100), connectUrl: text(500) }).optional(),
    'What the position belongs to: another one behind the same name is refused.',
  ),
})

export type SourceSpec = z.infer<typeof spec>
export type SourceStatus = z.infer<typeof status>
export type SourceTable = z.infer<typeof table>
export type Source = Resource<SourceSpec, SourceStatus>

/** The kind Source. */
export const sourceKind: KindDefinition = {
  kind: 'Source',
  plural: 'sources',
  singular: 'source',
  shortNames: ['src'],
  description: 'The committed changes of a database, captured into Kafka topics.',
  maxNameLength: 40,
  spec,
  status,
  columns: [
    ...READY_COLUMNS,
    { name: 'State', type: 'string', jsonPath: '.spec.state' },
    {
      name: 'Lag',
      type: 'integer',
      jsonPath: '.status.lag.seconds',
      description: 'Seconds behind the database.',
    },
    {
      name: 'Retained',
      type: 'integer',
      jsonPath: '.status.slot.retainedBytes',
      description: 'Bytes of log that the slot holds back.',
    },
    { name: 'Snapshot', type: 'string', jsonPath: '.status.snapshot.tables' },
    AGE_COLUMN,
  ],
  selectableFields: ['.spec.backboneRef.name', '.spec.type', '.spec.state'],
}
