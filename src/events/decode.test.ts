import { describe, expect, it } from 'vitest'

import type { ColumnType, TopicInput } from '../contracts/workload.ts'
import { decoderOf, type RawRecord } from './decode.ts'

const orders: TopicInput = {
  name: 'orders',
  topic: 'shop.public.orders',
  format: 'Debezium',
  key: ['id'],
  columns: { id: 'int64', total: 'decimal', n: 'int32', note: 'string', day: 'time', f: 'double' },
  epoch: 'e',
}

const record = (
  key: string | undefined,
  value: string | undefined,
  headers: Record<string, string> = {},
): RawRecord => ({
  key: key === undefined ? undefined : Buffer.from(key),
  value: value === undefined ? undefined : Buffer.from(value),
  timestamp: 5_000,
  headers: new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
})

/** An envelope as Debezium 3.6.1 writes it, its source time stamps included. */
const envelope = (op: string, after: string, before = 'null'): string =>
  `{"before":${before},"after":${after},"source":{"version":"3.6.1.Final","connector":"postgresql","name":"shop","ts_ms":1795426958840,"snapshot":"false","db":"shop","sequence":"[null,\\"26641336\\"]","ts_us":1795426958840028,"ts_ns":1795426958840028000,"schema":"public","table":"orders","txId":742,"lsn":26641336,"xmin":null},"transaction":null,"op":"${op}","ts_ms":1795426959001,"ts_us":1795426959001123,"ts_ns":1795426959001123456}`

describe('Debezium records', () => {
  const decode = decoderOf(orders)

  it('reads a row by its column types, without rounding', () => {
    const row =
      '{"id":9007199254740993,"total":"NAN","n":7,"note":"a","day":"2026-02-03Z","f":"NaN","more":9007199254740995}'
    expect(decode(record('{"id":9007199254740993}', envelope('c', row)))).toEqual({
      type: 'Change',
      unavailable: [],
      event: {
        op: 'c',
        key: '9007199254740993',
        ts: 1795426958840,
        row: {
          id: '9007199254740993',
          total: 'NaN',
          n: 7,
          note: 'a',
          day: '2026-02-03',
          f: 'NaN',
          more: '9007199254740995',
        },
      },
    })
  })

  it.each<readonly [ColumnType, unknown, unknown]>([
    ['time', '2026-02-03T04:05:06.1Z', '2026-02-03T04:05:06.1Z'],
    ['time', '04:05:06.12Z', '04:05:06.12'],
    ['time', '-0043-03-15Z', '-0043-03-15'],
    ['time', '+12026-01-01Z', '+12026-01-01'],
    ['time', '+292278994-08-16Z', 'infinity'],
    ['time', '-5877611-06-21Z', 'infinity'],
    ['time', '+294247-01-10T04:00:25.2Z', 'infinity'],
    ['time', '+292269055-12-02Z', '-infinity'],
    ['time', '-5877611-06-22Z', '-infinity'],
    ['time', '-290308-12-21T19:59:27.6Z', '-infinity'],
    ['time[]', ['2026-02-03Z', null], ['2026-02-03', null]],
    ['int64[]', [7, null], ['7', null]],
    ['decimal[]', ['1.50'], ['1.50']],
    ['encoded', 'e1sxLDMpfQ==', '{[1,3)}'],
    ['encoded[]', ['MQ==', null], ['1', null]],
    ['bytes', 'AP8Q', 'AP8Q'],
    ['json', { x: 1 }, { x: 1 }],
    ['int64[]', null, null],
  ])('a %s that is written %j is %j', (type, written, read) => {
    const decodeOne = decoderOf({ ...orders, columns: { id: 'int64', v: type } })
    const row = JSON.stringify({ id: 1, v: written })
    expect(decodeOne(record('{"id":1}', envelope('c', row)))).toMatchObject({ event: { row: { v: read } } })
  })

  it('keeps the value of every type that says that it was not logged', () => {
    const placeholder = '__debezium_unavailable_value'
    const base64 = Buffer.from(placeholder).toString('base64')
    const row = {
      id: 1,
      text: placeholder,
      bytes: base64,
      map: JSON.stringify({ [placeholder]: placeholder }),
      texts: [placeholder],
      blobs: [base64],
      uuids: ['b68a35a7-17ad-35b3-af2a-ae46edb4545a'],
      integers: [...Buffer.from(placeholder)],
      plain: [95, 95],
    }
    const { id: _, plain: __, ...unavailable } = row
    expect(decode(record('{"id":1}', envelope('u', JSON.stringify(row))))).toMatchObject({
      unavailable: Object.keys(unavailable),
      event: { row: { id: '1', plain: [95, 95] } },
    })
  })

  it('gives small values of wide columns as texts too', () => {
    const decoded = decode(record('{"id":1}', envelope('u', '{"id":1,"total":"1.50","n":1}')))
    expect(decoded).toMatchObject({ event: { key: '1', row: { id: '1', total: '1.50', n: 1 } } })
  })

  it('keeps the placeholder of an unchanged TOAST value out of the row', () => {
    const row = '{"id":1,"note":"__debezium_unavailable_value","tags":["__debezium_unavailable_value"]}'
    expect(decode(record('{"id":1}', envelope('u', row)))).toMatchObject({
      type: 'Change',
      unavailable: ['note', 'tags'],
      event: { row: { id: '1' } },
    })
  })

  it('reads a delete, and its tombstone as one', () => {
    const deleted = decode(record('{"id":1}', envelope('d', 'null', '{"id":1,"note":null}')))
    expect(deleted).toMatchObject({ type: 'Change', event: { op: 'd', key: '1', before: { id: '1' } } })
    expect(deleted.type === 'Change' && 'row' in deleted.event).toBe(false)
    expect(decode(record('{"id":1}', undefined))).toEqual({ type: 'Tombstone', key: '1', ts: 5_000 })
  })

  it.each([
    ['Heartbeat', '{"serverName":"shop"}', '{"ts_ms":1795426959001}'],
    [
      'Transaction',
      '{"id":"742:1"}',
      '{"status":"BEGIN","id":"742:1","event_count":null,"data_collections":null,"ts_ms":1}',
    ],
    [
      'Message',
      '{"prefix":"penstock"}',
      '{"op":"m","ts_ms":1,"source":{},"message":{"prefix":"penstock","content":"aGI="}}',
    ],
    ['Truncate', undefined, envelope('t', 'null')],
    [
      'Schema',
      '{"databaseName":"shop"}',
      '{"source":{},"databaseName":"shop","ddl":"CREATE TABLE …","tableChanges":[]}',
    ],
  ])('knows a %s', (what, key, value) => {
    expect(decode(record(key, value))).toEqual({ type: 'Ignored', what })
  })

  it.each([
    ['{"id":1}', 'no json'],
    ['{"id":1}', '[1]'],
    ['{"id":1}', '{"a":1}'],
    ['{"id":1}', envelope('c', 'null')],
    ['{"other":1}', envelope('c', '{"id":1}')],
    ['{', envelope('c', '{"id":1}')],
    [undefined, undefined],
  ])('calls %s → %s unreadable', (key, value) => {
    expect(decode(record(key, value)).type).toBe('Unreadable')
  })

  it('tells a table without a key apart', () => {
    expect(decode(record(undefined, envelope('c', '{"id":1}'))).type).toBe('Keyless')
  })

  it('reads records with schemas', () => {
    const wrap = (payload: string): string => `{"schema":{"type":"struct"},"payload":${payload}}`
    expect(decode(record(wrap('{"id":3}'), wrap(envelope('r', '{"id":3}'))))).toMatchObject({
      event: { op: 'r', key: '3', row: { id: '3' } },
    })
  })
})

describe('key strings', () => {
  const keyOf = (key: readonly string[], json: string): unknown => {
    const decoded = decoderOf({ ...orders, key })(record(json, undefined))
    return decoded.type === 'Tombstone' ? decoded.key : decoded
  }

  it.each([
    [['id'], '{"id":42}', '42'],
    [['a'], '{"a":"x,y %"}', 'x,y %'],
    [['b', 'a'], '{"a":"x,y","b":7}', '7,x%2Cy'],
    [[], '{"a":"ž","b":true}', '%C5%BE,true'],
    [['day'], '{"day":"2026-02-03Z"}', '2026-02-03'],
    [['a'], '{"a":null}', 'null'],
    [[], '"bare"', 'bare'],
  ])('%j of %s is %s', (fields, json, text) => {
    expect(keyOf(fields, json)).toBe(text)
  })
})

describe('records of flows', () => {
  const decode = decoderOf({ ...orders, format: 'Row' })

  it('reads rows and withdrawals with their commit time', () => {
    expect(decode(record('a,b', '{"id":"1","n":2}', { 'penstock-commit-time': '77' }))).toEqual({
      type: 'Change',
      unavailable: [],
      event: { op: 'u', key: 'a,b', ts: 77, row: { id: '1', n: 2 } },
    })
    expect(decode(record('a,b', undefined))).toEqual({
      type: 'Change',
      unavailable: [],
      event: { op: 'd', key: 'a,b', ts: 5_000 },
    })
    expect(decode(record(undefined, '{}')).type).toBe('Unreadable')
    expect(decode(record('a', '7')).type).toBe('Unreadable')
  })
})
