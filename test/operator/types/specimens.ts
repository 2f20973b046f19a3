import {
  base64,
  bits,
  date,
  each,
  float,
  interval,
  json,
  nothing,
  point,
  text,
  timestamp,
  timestamptz,
  timetz,
  type Wire,
} from './wires.ts'

/** A PostgreSQL type, values of it, and what must reach a browser of them. */
export interface Specimen {
  readonly column: string
  readonly type: string
  /** SQL literals, without their quotes. */
  readonly values: readonly string[]
  readonly wire: Wire
  /** How it arrives, for people. */
  readonly arrives: string
}

function of(type: string, values: readonly string[], wire: Wire, arrives: string): Specimen {
  const column = `c_${type
    .replaceAll('[]', ' array')
    .match(/[a-z0-9]+/g)
    ?.join('_')}`
  return { column, type, values, wire, arrives }
}

const SPECIAL = 'its digits as a string, all of them; `"NaN"`, `"Infinity"`, `"-Infinity"`'
const AS_TEXT = 'a string: its text'
const SEPARATE = 'a string: its text (Debezium itself does not know the type)'
const GEOMETRIC = `${SEPARATE}, numbers as Java writes them: \`1.0\``

const SCALARS: readonly Specimen[] = [
  of('bool', ['true', 'false'], json, '`true` or `false`'),
  of('smallint', ['-32768', '32767'], json, 'a number'),
  of('integer', ['-2147483648', '7'], json, 'a number'),
  of('bigint', ['9007199254740993', '-9223372036854775808', '7'], text, 'its digits as a string'),
  of('oid', ['4294967295', '7'], text, 'its digits as a string'),
  of('real', ['1.1', '1e38', 'NaN', 'Infinity'], float, 'a number; `"NaN"`, `"Infinity"`, `"-Infinity"`'),
  of('double precision', ['0.1', '-1e300', 'NaN', '-Infinity'], float, 'as real'),
  of(
    'numeric',
    ['12345678901234567890.12345', 'NaN', '0.1000', 'Infinity', '-Infinity', '1e30'],
    text,
    SPECIAL,
  ),
  of('numeric(10,2)', ['1.50', '-0.01', 'NaN'], text, SPECIAL),
  of(
    'money',
    ['1234.56', '-7.00'],
    (v) => text(`${v}::numeric`),
    'its amount as a string, without a currency',
  ),
  of('text', ['žluťoučký 🐎', '', 'a"b\\c'], text, AS_TEXT),
  of('varchar(20)', ['abc ', 'NULL'], text, AS_TEXT),
  of('char(5)', ['ab'], (v) => text(`rpad(${v}::text, 5)`), 'a string, padded with blanks'),
  of('name', ['a_name'], text, AS_TEXT),
  of('"char"', ['x'], text, AS_TEXT),
  of('citext', ['Hello'], text, AS_TEXT),
  of('uuid', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], text, AS_TEXT),
  of('bytea', ['\\x00ff10', '\\x'], base64, 'base64'),
  of('bit(1)', ['1', '0'], (v) => `to_jsonb(${v} = B'1')`, '`true` or `false`'),
  of(
    'bit(10)',
    ['1000000001', '0000000000'],
    bits,
    'base64 of its bytes, lowest first, highest zero bytes left out',
  ),
  of('bit varying', ['0010110', '1', '1000000000000001'], bits, 'as bit(n): **zeros in front are lost**'),
  of(
    'date',
    ['2026-02-03', 'infinity', '-infinity', '12026-01-01'],
    date,
    'ISO 8601: `2026-02-03`; `"infinity"`, `"-infinity"`; **a date before Christ that a snapshot reads is one after**',
  ),
  of(
    'time',
    ['04:05:06.123456', '00:00', '23:59:59.5', '24:00:00'],
    (v) => text(`replace(${v}::text, '24:', '00:')`),
    'ISO 8601: `04:05:06.123456`; **24:00 is `00:00:00`**',
  ),
  of('time(3)', ['04:05:06.12'], text, 'as time'),
  of(
    'timetz',
    ['04:05:06.123456+02', '00:00:00+00'],
    timetz,
    'ISO 8601 in UTC: `02:05:06.123456Z`; **its own zone is lost**',
  ),
  of(
    'timestamp',
    [
      '2026-02-03 04:05:06.123456',
      '1960-01-01',
      'infinity',
      '-infinity',
      '0044-03-15 10:00 BC',
      '12026-01-01',
    ],
    timestamp,
    'ISO 8601, as if it were UTC: `2026-02-03T04:05:06.123456Z`; `"infinity"`, `"-infinity"`; 44 BC is year `-0043`',
  ),
  of('timestamp(3)', ['2026-02-03 04:05:06.12'], timestamp, 'as timestamp'),
  of(
    'timestamptz',
    ['2026-02-03 04:05:06.123456+02', 'infinity', '-infinity', '0044-03-15 10:00 BC', '2026-02-03'],
    timestamptz,
    'ISO 8601 in UTC, always six digits of a second; `"infinity"`, `"-infinity"`',
  ),
  of(
    'interval',
    ['1 year 2 mons 3 days 04:05:06.789', '-1.000001 seconds', '0', '1 mon -1 day'],
    interval,
    'ISO 8601, with every part: `P1Y2M3DT4H5M6.789S`',
  ),
  of(
    'json',
    ['{"b": 1, "a":  9007199254740993}', 'null', '[1,2.50]'],
    text,
    'a string: the JSON as it was written',
  ),
  of(
    'jsonb',
    ['{"b": 1, "a":  9007199254740993}', 'null', '"text"'],
    text,
    'a string: the JSON as PostgreSQL prints it',
  ),
  of('xml', ['<a b="c">d</a>'], text, AS_TEXT),
  of(
    'hstore',
    ['a=>1, b=>NULL'],
    (v) => text(`replace(hstore_to_json(${v})::text, ' ', '')`),
    'a string: a JSON object',
  ),
  of('ltree', ['Top.Science'], text, AS_TEXT),
  of('tsvector', ['a:1 fat:2 cat:3'], text, AS_TEXT),
  of('inet', ['10.0.0.1/24', '10.0.0.1', '::1'], (v) => `to_jsonb(format('%s', ${v}))`, AS_TEXT),
  of('cidr', ['10.0.0.0/8'], text, AS_TEXT),
  of('macaddr', ['08:00:2b:01:02:03'], text, AS_TEXT),
  of('macaddr8', ['08:00:2b:01:02:03:04:05'], text, AS_TEXT),
  of('int4range', ['[1,5)', 'empty', '(,3]'], text, AS_TEXT),
  of('int8range', ['[1,9007199254740993)'], text, AS_TEXT),
  of('numrange', ['[1.5,2.50]'], text, AS_TEXT),
  of('daterange', ['[2026-01-01,2026-02-01)'], text, AS_TEXT),
  of('tsrange', ['[2026-01-01 00:00,2026-02-01 00:00:00.5)'], text, AS_TEXT),
  of('tstzrange', ['[2026-01-01 00:00+02,infinity)'], text, AS_TEXT),
  of(
    'point',
    ['(1.5,2)'],
    (v) => `${point(v)} || jsonb_build_object('srid', null)`,
    'an object: `x`, `y`, and `wkb` as base64',
  ),
]

const DEFINED: readonly Specimen[] = [
  of('mood', ['happy', 'sad'], text, 'an enum, its label as a string'),
  of('positive', ['7', '1'], json, 'a domain over integer, as integer'),
  of('price', ['1.50', 'NaN'], text, 'a domain over numeric, as numeric'),
  of('nested_price', ['2.50', 'NaN'], text, 'a domain over a domain, as what is below'),
  of('big', ['9007199254740993'], text, 'a domain over bigint, as bigint'),
  of('tags', ['{a,b}'], json, 'a domain over an array, as the array'),
  of('pair', ['(1,a)'], text, `a composite type, ${SEPARATE}`),
  of('floats', ['[1.5,2.5)'], text, `a range type of one's own, ${SEPARATE}`),
]

const UNKNOWN: readonly Specimen[] = [
  of('int4multirange', ['{[1,3),[5,7)}'], text, SEPARATE),
  of('tsquery', ['fat & rat'], text, SEPARATE),
  of('jsonpath', ['$."a"[*]'], text, SEPARATE),
  of('pg_lsn', ['16/B374D848'], text, SEPARATE),
  of('regclass', ['pg_class'], text, SEPARATE),
  of('xid8', ['7'], text, SEPARATE),
  of('tid', ['(1,2)'], text, SEPARATE),
  of('pg_snapshot', ['1:2:'], text, SEPARATE),
  of('line', ['{1.5,2.5,3.5}'], text, GEOMETRIC),
  of('lseg', ['[(0.5,0.5),(1.5,1.5)]'], text, GEOMETRIC),
  of('box', ['(1.5,1.5),(0.5,0.5)'], text, GEOMETRIC),
  of('path', ['[(0.5,0.5),(1.5,1.5)]'], text, GEOMETRIC),
  of('polygon', ['((0.5,0.5),(1.5,1.5),(1.5,0.5))'], text, GEOMETRIC),
  of('circle', ['<(0.5,0.5),1.5>'], text, GEOMETRIC),
]

const AN_ARRAY = 'an array, each element as by itself'
const NEVER = '**never**: preflight says `UnsupportedType`'
const array = (element: string, values: readonly string[], wire: Wire, arrives = AN_ARRAY): Specimen =>
  of(`${element}[]`, values, wire === nothing ? wire : each(wire), arrives)

const ARRAYS: readonly Specimen[] = [
  array('smallint', ['{1}'], json),
  array('integer', ['{1,NULL,3}', '{}'], json),
  array('bigint', ['{7,9007199254740993,NULL}'], text),
  array('oid', ['{7}'], text),
  of(
    'numeric[]',
    ['{1.50,2}', '{1,NaN}'],
    (v) => `case when 'NaN' = any(${v}) then null else ${each(text)(v)} end`,
    `${AN_ARRAY}; **with a NaN in it, all of it is null**`,
  ),
  array('real', ['{1.5}'], float),
  array('double precision', ['{1.5,NaN}'], float),
  array('bool', ['{t,f}'], json),
  array('text', ['{a,"b,c",NULL,""}'], text),
  array('varchar(5)', ['{a}'], text),
  array('char(3)', ['{a}'], (v) => text(`rpad(${v}::text, 3)`)),
  array('"char"', ['{a}'], text),
  array('citext', ['{a}'], text),
  array('uuid', ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'], text),
  array('bytea', ['{"\\\\x00ff"}'], base64),
  array('date', ['{2026-01-01,1969-12-31}', '{infinity,-infinity}'], date),
  array(
    'time',
    ['{04:05:06.123456}'],
    (v) => text(`date_trunc('milliseconds', ${v})::time`),
    `${AN_ARRAY}, **cut to milliseconds**`,
  ),
  array(
    'timetz',
    ['{04:05:06.123456+02}'],
    (v) => timetz(`(date_trunc('second', ${v}::time) || '+02')::timetz`),
    `${AN_ARRAY}, **cut to seconds**`,
  ),
  array('timestamp', ['{2026-02-03 04:05:06.123456,2026-02-03}', '{infinity,-infinity}'], timestamp),
  array('timestamptz', ['{2026-02-03 04:05:06.123456+02,2026-02-03}', '{infinity,-infinity}'], timestamptz),
  array('json', ['{"{\\"a\\": 1}"}'], text),
  array('jsonb', ['{"{\\"a\\": 9007199254740993}",NULL}'], text),
  array('hstore', ['{"a=>1"}'], (v) => text(`replace(hstore_to_json(${v})::text, ' ', '')`)),
  array('ltree', ['{a.b}'], text),
  array('tsvector', ['{a}'], text),
  array('inet', ['{10.0.0.1/24}'], text),
  array('cidr', ['{10.0.0.0/8}'], text),
  array('macaddr', ['{08:00:2b:01:02:03}'], text),
  array('int4range', ['{"[1,3)"}'], text),
  array('int8range', ['{"[1,3)"}'], text),
  array('numrange', ['{"[1,2)"}'], text),
  array('daterange', ['{"[2026-01-01,)"}'], text),
  array('tsrange', ['{"[2026-01-01,)"}'], text),
  array('tstzrange', ['{"[2026-01-01,)"}'], text),
  array('mood', ['{happy,sad}'], text, 'an array of an enum, labels'),
  array('positive', ['{1}'], text, 'an array of a domain, the text of each element'),
  of(
    'pair[]',
    ['{"(1,a)"}'],
    () => `'["(1,a)"]'::jsonb`,
    'an array of a composite type, the text of each element',
  ),
  array('pg_lsn', ['{16/B374D848}'], text),
  array('line', ['{"{1.5,2.5,3.5}"}'], text),
  array('int4multirange', ['{"{[1,3)}"}'], text),
  of(
    'integer[][]',
    ['{{1,2},{3,4}}'],
    () => `'[null, null]'::jsonb`,
    '**nulls**: preflight says `LossyType`',
  ),
  array('interval', ['{1 day}'], nothing, NEVER),
  array('money', ['{1.50}'], nothing, NEVER),
  array('point', ['{"(1,2)"}'], nothing, NEVER),
  array('name', ['{a}'], nothing, NEVER),
  array('xml', ['{<a/>}'], nothing, NEVER),
  array('bit(3)', ['{101}'], nothing, NEVER),
]

/** Every type that PostgreSQL has and that a table can have, and some that users define. */
export const SPECIMENS: readonly Specimen[] = [...SCALARS, ...UNKNOWN, ...DEFINED, ...ARRAYS]
