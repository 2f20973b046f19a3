import { type PostgresClient, quoteIdentifier } from '../../clients/postgres.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { Waiting } from '../../lib/verdict.ts'

/** Types whose values in Debezium's JSON, with the settings that we own, PostgreSQL reads back as what they were. */
const READ_BACK = new Set([
  ...['bool', 'int2', 'int4', 'int8', 'oid', 'numeric', 'text', 'varchar', 'bpchar', 'citext', 'uuid'],
  ...['date', 'timestamp', 'timestamptz', 'name'],
])

/** A column of a table's key. */
interface KeyColumn {
  readonly name: string
  /** As SQL names it, without a length. */
  readonly type: string
}

/**
 * Of these keys, as Debezium writes them, those of which the table has no row now. Keys of other columns than `key`
 * are of a former key and have none. Throws Waiting SweepNotPossible for a key that cannot be compared.
 */
export async function absentKeys(
  client: PostgresClient,
  table: string,
  key: readonly string[],
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const columns = await keyColumns(client, table, key, signal)
  const present = new Set<string>()
  const read = keys.flatMap((text) => {
    const values = valuesOf(text, key)
    return values ? [{ text, values }] : []
  })
  if (columns.length > 0 && read.length > 0) {
    const names = columns.map((_, index) => `k${index}`)
    const same = columns.map(({ name, type }, index) => `t.${quoteIdentifier(name)} = k.k${index}::${type}`)
    const rows = await client.query(
      `select distinct k.place::int as place from unnest(${names.map((_, index) => `$${index + 1}::text[]`).join(', ')})
        with ordinality as k(${names.join(', ')}, place) join ${quoted(table)} t on ${same.join(' and ')}`,
      columns.map((_, index) => read.map(({ values }) => values[index])),
      signal,
    )
    for (const { place } of rows) present.add(read[Number(place) - 1]?.text ?? '')
  }
  return keys.filter((text) => !present.has(text))
}

async function keyColumns(
  client: PostgresClient,
  table: string,
  key: readonly string[],
  signal: AbortSignal,
): Promise<readonly KeyColumn[]> {
  const rows = await client.query(
    `select a.attname as name, format_type(a.atttypid, null) as type, t.typname, t.typtype
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = to_regclass($1) and a.attname = any($2) and a.attnum > 0 and not a.attisdropped`,
    [quoted(table), key],
    signal,
  )
  return key.map((name) => {
    const row = rows.find((candidate) => candidate['name'] === name)
    const readable = row && (READ_BACK.has(String(row['typname'])) || row['typtype'] === 'e')
    if (readable) return { name, type: String(row['type']) }
    throw new Waiting(
      'SweepNotPossible',
      `rows of ${table} that were deleted before it was copied stay in its topic: keys of column ${name}${row ? ` (${String(row['type'])})` : ''} cannot be compared with the table. Delete the topic and the Source, and make the Source again`,
      60_000,
    )
  })
}

/** A key's values as text, in the order of its columns; undefined where its columns are others. */
function valuesOf(text: string, key: readonly string[]): readonly string[] | undefined {
  const parsed: unknown = parseJson(text)
  if (!isObject(parsed)) return undefined
  const fields = isObject(parsed['payload']) ? parsed['payload'] : parsed
  if (Object.keys(fields).length !== key.length || !key.every((name) => name in fields)) return undefined
  return key.map((name) => String(fields[name]))
}

const quoted = (table: string): string => table.split('.').map(quoteIdentifier).join('.')
