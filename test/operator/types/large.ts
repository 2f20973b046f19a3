/** A value of many bytes of a type, as SQL. */
export interface Large {
  readonly column: string
  readonly type: string
  readonly value: string
}

/** An aggregate over numbers `n` from 1 on. */
const gathered = (aggregate: string, rows: number) =>
  `(select ${aggregate} from generate_series(1, ${rows}) n)`
const HASHES = gathered("string_agg(md5(n::text), '')", 10)
const DIGITS = gathered("string_agg(n::text, '')", 100)
const POINTS = gathered("string_agg('(' || n || '.5,' || n || '.5)', ',')", 20)
const elements = (type: string, element: string): readonly [string, string] => [
  `${type}[]`,
  gathered(`array_agg((${element})::${type})`, 20),
]

const TYPES: readonly (readonly [type: string, value: string])[] = [
  // More than 8 KiB, which is a page.
  ['text', gathered("string_agg(md5(n::text), '')", 270)],
  ['varchar(20000)', HASHES],
  ['char(5000)', "'a'"],
  ['citext', HASHES],
  ['bytea', `${HASHES}::bytea`],
  ['json', `to_json(${HASHES})`],
  ['jsonb', `to_jsonb(${HASHES})`],
  ['xml', `('<a>' || ${HASHES} || '</a>')::xml`],
  ['numeric', DIGITS],
  ['hstore', `hstore('a', ${HASHES})`],
  ['tsvector', `to_tsvector(${gathered("string_agg(md5(n::text), ' ')", 10)})`],
  ['ltree', gathered("string_agg(md5(n::text), '.')", 10)],
  ['numrange', `numrange(${DIGITS}::numeric, null)`],
  ['int4multirange', gathered('range_agg(int4range(n * 3, n * 3 + 1))', 20)],
  ['polygon', `('(' || ${POINTS} || ')')`],
  ['path', `('(' || ${POINTS} || ')')`],
  ['pair', `row(1, ${HASHES})`],
  ['long_text', HASHES],
  ['bit varying', gathered("string_agg('1011', '')", 100)],
  ['bit(4000)', gathered("string_agg('1011', '')", 100)],
  ['tags', gathered('array_agg(md5(n::text))', 10)],
  elements('smallint', 'n'),
  elements('integer', 'n'),
  elements('bigint', 'n'),
  elements('oid', 'n'),
  elements('numeric', 'n'),
  elements('real', 'n'),
  elements('double precision', 'n'),
  ['bool[]', gathered('array_agg(n % 2 = 0)', 40)],
  elements('text', 'md5(n::text)'),
  elements('varchar(50)', 'md5(n::text)'),
  elements('char(3)', "'a'"),
  elements('citext', 'md5(n::text)'),
  elements('uuid', 'md5(n::text)'),
  elements('date', "'2026-01-01'::date + n"),
  elements('time', "'04:05'"),
  elements('timetz', "'04:05+00'"),
  elements('timestamp', "'2026-01-01'"),
  elements('timestamptz', "'2026-01-01'"),
  elements('json', 'n::text'),
  elements('jsonb', 'n::text'),
  elements('hstore', "'a=>b'"),
  elements('bytea', 'md5(n::text)'),
  elements('inet', "'10.0.0.1'"),
  elements('macaddr', "'08:00:2b:01:02:03'"),
  elements('tsvector', "'a'"),
  elements('int4range', 'int4range(n, n + 1)'),
  elements('mood', "'sad'"),
  elements('price', 'n'),
]

/**
 * A column for each type that PostgreSQL may store apart from its row, with a value that it does; together they fit into
 * a frame of the gateway.
 */
export const LARGE: readonly Large[] = TYPES.map(([type, value], at) => ({ column: `l${at}`, type, value }))
