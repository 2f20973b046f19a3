import type { PostgresClient } from '../../clients/postgres.ts'
import type { Relation } from '../copies/relation.ts'

/** A table as it is for every Source on its database. */
export interface TableRelation extends Omit<Relation, 'membership'> {
  /** Its place in each publication that names it. */
  readonly memberships: Readonly<Record<string, string>>
}

/** What a table is made of for those who read it through this publication. */
export function throughPublication({ memberships, ...rest }: TableRelation, publication: string): Relation {
  const membership = memberships[publication]
  return membership === undefined ? rest : { ...rest, membership }
}

/** Reads what each of these tables (schema.table) is made of, as far as they exist. Any role may ask. */
export async function readRelations(
  client: PostgresClient,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TableRelation>> {
  const rows = await client.query(
    // A partitioned table has no file of its own, and its partitions come and go.
    `select n.nspname || '.' || c.relname as table, c.oid::text as oid, coalesce(pg_relation_filenode(c.oid), 0)::text as file,
      array_agg(a.attnum::text order by a.attnum) as numbers, array_agg(a.attname::text order by a.attnum) as names,
      coalesce(array_agg(a.attnum::text order by a.attnum) filter (where a.atthasmissing), '{}') as filled,
      coalesce((select jsonb_object_agg(p.pubname, r.oid::text) from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
        where r.prrelid = c.oid), '{}') as memberships
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname || '.' || c.relname = any($1) and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
      group by n.nspname, c.oid order by 1`,
    [tables],
    signal,
  )
  return new Map(
    rows.map(({ table, oid, file, numbers, names, filled, memberships }) => {
      const called = texts(names)
      const columns = Object.fromEntries(texts(numbers).map((number, index) => [number, called[index] ?? '']))
      const made = { oid: String(oid), file: String(file), columns, filled: texts(filled) }
      return [String(table), { ...made, memberships: memberships as TableRelation['memberships'] }]
    }),
  )
}

/** Tables whose names match one of these regular expressions; partitions count as their table. At most `limit`. */
export async function matchTables(
  client: PostgresClient,
  patterns: readonly string[],
  limit: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (patterns.length === 0) return []
  const rows = await client.query(
    `select n.nspname || '.' || c.relname as table from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname || '.' || c.relname ~ any($1) and c.relkind in ('r', 'p') and not c.relispartition
        and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and strpos(n.nspname || c.relname, '.') = 0 order by 1 limit $2`,
    [patterns, limit],
    signal,
  )
  return rows.map(({ table }) => String(table))
}

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])
