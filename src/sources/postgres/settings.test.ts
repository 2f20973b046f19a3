import { describe, expect, it } from 'vitest'

import type { SourceSpec } from '../../api/source/index.ts'
import { connectorSettings, includedTables, type SettingsInput, tableSettings } from './settings.ts'

const database = { host: 'db', database: 'shop', credentialsSecretRef: { name: 's' } }
const spec: SourceSpec = {
  backboneRef: { name: 'main' },
  state: 'Running',
  type: 'Postgres',
  postgres: database,
  tables: [{ name: 'public.orders' }],
}
const settings = (more: Partial<SourceSpec> = {}, input: Partial<SettingsInput> = {}) =>
  connectorSettings({
    spec: { ...spec, ...more },
    tables: tableSettings(more.tables ?? spec.tables),
    signals: { kafka: { bootstrapServers: ['a:9092', 'b:9092'] }, consumer: {} },
    topicPrefix: 'p',
    slot: 'slot1',
    publication: 'pub1',
    username: '${u}',
    password: '${p}',
    credentialsVersion: 'v1',
    compacted: true,
    ...input,
  })

describe('connector settings', () => {
  it.each<readonly [string, Partial<SourceSpec>, Readonly<Record<string, string | undefined>>]>([
    [
      'ports and modes have PostgreSQL’s own defaults',
      {},
      { 'database.port': '5432', 'database.sslmode': 'prefer', 'heartbeat.interval.ms': '10000' },
    ],
    ['no slot is kept on standbys unless asked', {}, { 'slot.failover': undefined }],
    [
      'a slot may be kept on standbys',
      { postgres: { ...database, slot: { failover: 'Enabled' } } },
      { 'slot.failover': 'true' },
    ],
    [
      'what the spec says counts',
      {
        postgres: {
          host: 'h',
          port: 6_432,
          database: 'd',
          credentialsSecretRef: { name: 's' },
          tls: { mode: 'verify-full' },
          heartbeat: { interval: '1s' },
        },
      },
      {
        'database.hostname': 'h',
        'database.port': '6432',
        'database.dbname': 'd',
        'database.sslmode': 'verify-full',
        'heartbeat.interval.ms': '1000',
      },
    ],
    [
      'tables are anchored regular expressions, sorted, so that their order in the spec changes nothing',
      { tables: [{ name: 'public.b$x' }, { name: 'public.a' }] },
      { 'table.include.list': 'public\\.a,public\\.b\\$x' },
    ],
    [
      'left-out columns and given keys',
      { tables: [{ name: 'public.a', columns: { exclude: ['z', 'y'] }, key: ['k1', 'k2'] }] },
      { 'column.exclude.list': 'public\\.a\\.y,public\\.a\\.z', 'message.key.columns': 'public\\.a:k1,k2' },
    ],
    [
      'columns that alone are captured, beside tables with all and with all but some',
      {
        tables: [
          { name: 'public.a', columns: { include: ['z', 'y'] } },
          { name: 'public.b', columns: { exclude: ['x'] } },
          { name: 'public.c' },
        ],
      },
      {
        'column.include.list': 'public\\.a\\.(y|z),public\\.b\\.(?!(x)$).*,public\\.c\\..*',
        'column.exclude.list': undefined,
      },
    ],
    [
      'nothing of either where there are none',
      {},
      { 'column.exclude.list': undefined, 'message.key.columns': undefined },
    ],
    ['Balanced polls every 100 ms', {}, { 'poll.interval.ms': '100' }],
    [
      'Interactive every 20 ms',
      { latency: 'Interactive' },
      { 'poll.interval.ms': '20', 'producer.override.linger.ms': '0' },
    ],
    [
      'Throughput in large batches',
      { latency: 'Throughput' },
      { 'poll.interval.ms': '500', 'max.batch.size': '8192' },
    ],
    [
      'further settings come last, numbers as text',
      { connector: { config: { 'max.batch.size': 9 } } },
      { 'max.batch.size': '9' },
    ],
  ])('%s', (_name, more, expected) => {
    const found = settings(more)
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, found[key]]))).toEqual(expected)
  })

  it('a compacted topic takes no TRUNCATE, which has no key', () => {
    expect(settings({}, { compacted: true })['skipped.operations']).toBe('t')
    expect(settings({}, { compacted: false })['skipped.operations']).toBe('none')
  })

  it('values keep their digits, publications are never made by Debezium, and logins stay references', () => {
    expect(settings()).toMatchObject({
      'decimal.handling.mode': 'string',
      'value.converter.schemas.enable': 'false',
      'publication.autocreate.mode': 'disabled',
      'lsn.flush.mode': 'connector',
      'database.user': '${u}',
      'database.password': '${p}',
      'slot.name': 'slot1',
      'publication.name': 'pub1',
      'topic.prefix': 'p',
    })
  })

  it('its tables are read back as they were written', () => {
    const names = ['public.a', 'public.b$x', 'shop.Order (1)']
    expect(includedTables(tableSettings(names.map((name) => ({ name }))))).toEqual(names)
    expect(includedTables({})).toEqual([])
  })

  it('signals come by Kafka alone, by a login of their own', () => {
    expect(
      settings(
        {},
        {
          signals: { kafka: { bootstrapServers: ['a:1', 'b:1'] }, consumer: { 'security.protocol': 'SSL' } },
        },
      ),
    ).toMatchObject({
      'signal.enabled.channels': 'kafka',
      'signal.kafka.bootstrap.servers': 'a:1,b:1',
      'signal.consumer.security.protocol': 'SSL',
      'read.only': 'true',
    })
  })

  it('change with the credentials, so that Connect reads them again', () => {
    expect(settings({}, { credentialsVersion: 'v2' })).not.toEqual(settings())
  })
})
