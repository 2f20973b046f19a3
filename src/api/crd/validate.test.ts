import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { backboneKind } from '../backbone.ts'
import { KINDS } from '../index.ts'
import { sourceKind } from '../source/index.ts'
import { validate } from './validate.ts'

const source = (spec: object) => ({
  apiVersion: 'penstock.dev/v1alpha1',
  kind: 'Source',
  metadata: { name: 'shop' },
  spec: {
    backboneRef: { name: 'main' },
    type: 'Postgres',
    postgres: { host: 'db', database: 'shop', credentialsSecretRef: { name: 'db' } },
    tables: [{ name: 'public.orders' }],
    ...spec,
  },
})

describe('validate', () => {
  it.each(KINDS.map((kind) => [kind.kind.toLowerCase(), kind] as const))(
    'finds nothing wrong with the sample of a %s, every rule of which it can evaluate',
    (name, kind) => {
      const file = new URL(`../../../config/samples/shop/${name}.yaml`, import.meta.url)
      expect(validate(kind, parse(readFileSync(file, 'utf8')))).toEqual([])
    },
  )

  it.each<readonly [string, object, string, RegExp]>([
    ['a missing field', { backboneRef: {} }, 'spec.backboneRef.name', /is missing: add it/],
    ['an unknown one', { table: [] }, 'spec.table', /is not known: take it away, or write one of .*tables/],
    ['a slip of the case', { Latency: 'x' }, 'spec.Latency', /write latency$/],
    ['a word that is none of those', { latency: 'Fast' }, 'spec.latency', /write Interactive or Balanced or/],
    ['a wrong type', { tables: 'public.orders' }, 'spec.tables', /is "public\.orders": write a list/],
    ['too little of a list', { tables: [] }, 'spec.tables', /at least 1/],
    ['too large a number', { topics: { partitions: 10_001 } }, 'spec.topics.partitions', /at most 10000/],
    ['a rule', { tables: [{ name: 'orders' }] }, 'spec.tables[0].name', /"orders" is no table: write schema/],
    [
      'a rule on a field below',
      { topics: { policy: 'History' } },
      'spec.topics.retention',
      /policy History needs retention/,
    ],
    ['a size', { thresholds: { retainedBytes: '12x' } }, 'spec.thresholds.retainedBytes', /write a size/],
    [
      'a setting that is ours',
      { connector: { config: { 'slot.name': 'x' } } },
      'spec.connector.config',
      /Penstock sets slot\.name itself/,
    ],
  ])('finds %s', (_name, spec, field, message) => {
    expect(validate(sourceKind, source(spec))).toEqual([{ field, message: expect.stringMatching(message) }])
  })

  it('finds everything at once', () => {
    const fields = validate(sourceKind, source({ latency: 'Fast', tables: [], foo: 1 })).map(
      ({ field }) => field,
    )
    expect(fields).toEqual(['spec.tables', 'spec.latency', 'spec.foo'])
  })

  it('knows addresses', () => {
    const connect = { type: 'External', external: { url: 'ftp://x', secrets: { type: 'Inline' } } }
    const object = { metadata: { name: 'main' }, spec: { kafka: { bootstrapServers: ['k'] }, connect } }
    expect(validate(backboneKind, object).map(({ field }) => field)).toEqual([
      'spec.kafka.bootstrapServers[0]',
      'spec.connect.external.url',
    ])
  })
})
