import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { kubectl } from './kubectl.ts'

const NAMESPACE = 'refusals'
type Tree = { [key: string]: unknown }

const base = (kind: string, spec: string, name = 'x'): Tree => ({
  apiVersion: 'penstock.dev/v1alpha1',
  kind,
  metadata: { name, namespace: NAMESPACE },
  spec: parse(spec) as Tree,
})
const backbone = (spec: string, name?: string) => base('Backbone', spec, name)
const source = (more: string, name?: string) =>
  base(
    'Source',
    `
backboneRef: {name: main}
type: Postgres
${more.includes('postgres:') ? '' : 'postgres: {host: db, database: shop, credentialsSecretRef: {name: db}}'}
${more.includes('tables:') ? '' : 'tables: [{name: public.orders}]'}
${more}`,
    name,
  )
const pipeline = (more: string, name?: string) =>
  base(
    'Pipeline',
    `
backboneRef: {name: main}
${more.includes('inputs:') ? '' : 'inputs: [{name: orders, topic: t}]'}
${more}`,
    name,
  )

const apply = (object: Tree) => kubectl(['apply', '-f', '-'], stringify(object))

describe('what a user reads', () => {
  beforeAll(async () => {
    await kubectl(['create', 'namespace', NAMESPACE])
  })
  afterAll(async () => {
    await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false'])
  })

  it.concurrent.each<readonly [string, Tree, readonly string[]]>([
    ['an unknown field', source('tabels: []'), ['unknown field "spec.tabels"']],
    [
      'columns to include and to exclude',
      source('tables: [{name: public.orders, columns: {include: [id], exclude: [card_no]}}]'),
      ['name columns to include or to exclude, not both'],
    ],
    [
      'a wrong type',
      source('topics: {partitions: many}'),
      ['spec.topics.partitions: Invalid value', 'must be of type integer'],
    ],
    ['no table', source('tables: []'), ['spec.tables', 'should have at least 1 items']],
    [
      'a table without a schema',
      source('tables: [{name: orders}]'),
      ['"orders" is no table: write schema.table, like public.orders'],
    ],
    ['the same table twice', source('tables: [{name: public.a}, {name: public.a}]'), ['Duplicate value']],
    [
      'a type without its object',
      base('Source', 'backboneRef: {name: m}\ntype: Postgres\ntables: [{name: a.b}]'),
      ['spec.postgres: Required value: type Postgres needs the object postgres'],
    ],
    [
      'a type that does not exist',
      base('Source', 'backboneRef: {name: m}\ntype: DB2\ntables: [{name: a.b}]'),
      ['spec.type: Unsupported value: "DB2": supported values: "Postgres"'],
    ],
    [
      'a duration without a unit',
      source('thresholds: {lag: "30"}'),
      [
        'spec.thresholds.lag: Invalid value',
        '"30" is no duration: write a whole number and one of ms, s, m, h, d, like 30s, 12h or 7d',
      ],
    ],
    [
      'a size that is none',
      source('thresholds: {retainedBytes: lots}'),
      ['write a size like 10Gi, 500M or a number of bytes'],
    ],
    [
      'a connector setting that we own',
      source('connector: {config: {slot.name: mine}}'),
      ['spec.connector.config: Forbidden: Penstock sets slot.name itself: take it away here'],
    ],
    [
      'a whole family of them',
      source('connector: {config: {database.password: x}}'),
      ['Penstock sets database.password itself: take it away here'],
    ],
    [
      'a topic setting that the policy stands for',
      source('topics: {config: {retention.ms: 1}}'),
      ['retention.ms is set by policy and retention: take it away here'],
    ],
    [
      'History without retention',
      source('topics: {policy: History}'),
      ['spec.topics.retention: Required value: policy History needs retention, like 7d'],
    ],
    [
      'Forever with retention',
      source('topics: {policy: Forever, retention: 7d}'),
      [
        'spec.topics.retention: Forbidden: policy Forever keeps everything: take retention away, or choose History',
      ],
    ],
    [
      'the same for a table',
      source('tables: [{name: a.b, topic: {policy: History}}]'),
      ['policy History needs retention, like 7d'],
    ],
    [
      'a slot’s name in capitals',
      source('postgres: {host: h, database: d, credentialsSecretRef: {name: s}, slot: {name: Shop}}'),
      ['use a-z, 0-9 and _, at most 63 characters'],
    ],
    [
      'a name that is too long',
      source('', 'x'.repeat(41)),
      ['metadata.name: Forbidden: the name is longer than 40 characters'],
    ],
    ['a name with dots', source('', 'a.b'), ['the name must be a DNS label: a-z, 0-9 and -, without dots']],
    [
      'a broker without a port',
      backbone('kafka: {bootstrapServers: [kafka]}'),
      ['"kafka" is no broker address: write host:port'],
    ],
    ['no broker', backbone('kafka: {bootstrapServers: []}'), ['should have at least 1 items']],
    [
      'a Connect without its address',
      backbone('kafka: {bootstrapServers: ["k:1"]}\nconnect: {type: External}'),
      ['type External needs the object external'],
    ],
    [
      'an address that is none',
      backbone(
        'kafka: {bootstrapServers: ["k:1"]}\nconnect: {type: External, external: {url: connect, secrets: {type: Inline}}}',
      ),
      ['"connect" is no address: write it like http://connect:8083'],
    ],
    [
      'a template without a key',
      backbone(
        'kafka: {bootstrapServers: ["k:1"]}\nconnect: {type: External, external: {url: "http://c:1", secrets: {type: Template, template: x}}}',
      ),
      ['type Template needs template, with {name} and {key} in it'],
    ],
    [
      'an input with two origins',
      pipeline('inputs: [{name: a, topic: t, sourceRef: {name: s}, table: a.b}]'),
      ['an input has exactly one of sourceRef, topic'],
    ],
    ['an input with none', pipeline('inputs: [{name: a}]'), ['an input has exactly one of sourceRef, topic']],
    [
      'a Source without a table',
      pipeline('inputs: [{name: a, sourceRef: {name: s}}]'),
      ['table: Required value: sourceRef and table go together'],
    ],
    [
      'a flow that reads an unknown input',
      pipeline('flows: [{name: f, from: [order]}]'),
      ['spec.flows: Forbidden: flow f reads from order, which is neither an input nor a flow'],
    ],
    [
      'a view that reads an unknown flow',
      pipeline('views: [{name: v, from: [flow]}]'),
      ['spec.views: Forbidden: view v reads from flow, which is neither an input nor a flow'],
    ],
    [
      'an input and a flow of one name',
      pipeline('flows: [{name: orders, from: [orders]}]'),
      ['an input and a flow have the same name'],
    ],
    [
      'two verbs in a step',
      pipeline('flows: [{name: f, from: [orders], steps: [{filter: "true", key: "x"}]}]'),
      ['a step has exactly one of filter, map, drop, key, reduce'],
    ],
    [
      'no verb in a step',
      pipeline('flows: [{name: f, from: [orders], steps: [{name: s}]}]'),
      ['a step has exactly one of filter, map, drop, key, reduce'],
    ],
    [
      'a reduce without a way',
      pipeline('flows: [{name: f, from: [orders], steps: [{reduce: {}}]}]'),
      ['reduce has exactly one of latest'],
    ],
    [
      'a view’s name in capitals',
      pipeline('views: [{name: View, from: [orders]}]'),
      ['"View" is no name: use a-z, 0-9 and -'],
    ],
    ['JWT without its settings', pipeline('gateway: {auth: {type: JWT}}'), ['type JWT needs the object jwt']],
    [
      'Anonymous with settings of JWT',
      pipeline('gateway: {auth: {type: Anonymous, jwt: {issuer: i, jwksUrl: "http://j"}}}'),
      ['jwt goes with type JWT only, and type is Anonymous'],
    ],
    [
      'a Pipeline’s name that is too long',
      pipeline('', 'x'.repeat(53)),
      ['the name is longer than 52 characters'],
    ],
  ])('%s', async (_name, object, sentences) => {
    const { code, err } = await apply(object)
    expect(code, err).not.toBe(0)
    for (const sentence of sentences) expect(err).toContain(sentence)
  })

  it.concurrent.each<readonly [string, Tree, Tree, string]>([
    [
      'the Backbone of a Source',
      source('', 'im-backbone'),
      source('', 'im-backbone'),
      'spec.backboneRef: Forbidden: backboneRef cannot change: the position belongs to one Kafka. Make another Source',
    ],
    [
      'its database',
      source('postgres: {host: h, database: d, credentialsSecretRef: {name: s}}', 'im-database'),
      source('postgres: {host: h, database: e, credentialsSecretRef: {name: s}}', 'im-database'),
      'postgres.database cannot change: offsets of one database mean nothing in another: make another Source',
    ],
    [
      'its slot, also where none was named',
      source('postgres: {host: h, database: d, credentialsSecretRef: {name: s}}', 'im-slot'),
      source(
        'postgres: {host: h, database: d, credentialsSecretRef: {name: s}, slot: {name: mine}}',
        'im-slot',
      ),
      'postgres.slot.name cannot change: the position is in the slot: make another Source',
    ],
    [
      'its topic prefix',
      source('topics: {prefix: a}', 'im-prefix'),
      source('topics: {prefix: b}', 'im-prefix'),
      'topics.prefix cannot change: the topics are named after it: make another Source',
    ],
    [
      'the Backbone of a Pipeline',
      pipeline('', 'im-pipeline'),
      pipeline('', 'im-pipeline'),
      'backboneRef cannot change: make another Pipeline',
    ],
  ])('%s cannot change', async (name, first, second, sentence) => {
    expect(await apply(first)).toMatchObject({ code: 0 })
    const changed = name.includes('Backbone')
      ? { ...second, spec: { ...(second['spec'] as Tree), backboneRef: { name: 'other' } } }
      : second
    const { code, err } = await apply(changed)
    expect(code).not.toBe(0)
    expect(err).toContain(sentence)
  })

  it.concurrent('the host of a database may change, as in a failover', async () => {
    expect(
      await apply(source('postgres: {host: a, database: d, credentialsSecretRef: {name: s}}', 'host')),
    ).toMatchObject({ code: 0 })
    expect(
      await apply(source('postgres: {host: b, database: d, credentialsSecretRef: {name: s}}', 'host')),
    ).toMatchObject({ code: 0 })
  })
})
