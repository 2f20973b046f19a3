import type { PostgresClient, PostgresRow } from '../../clients/postgres.ts'
import { TYPE_NAME } from './queries.ts'
import { type CatalogType, isLost, isNullWhenNotLogged, lostPart } from './types.ts'

/** What a server and the connector's role there allow. */
export interface ServerFacts {
  /** As in 150018 for 15.18. */
  readonly version: number
  readonly slotFree: boolean
  readonly senderFree: boolean
  /** max_slot_wal_keep_size; -1: a slot may hold back log until the disk is full. */
  readonly keepSize: string
  readonly standby: boolean
  /** Whether the server offers TLS. */
  readonly tls: boolean
  /** A pooler stands between us and the server. */
  readonly pooled: boolean
  readonly mayReplicate: boolean
  /** This installation's marks on publications. */
  readonly marks: readonly string[]
}

/** Columns of one table whose values do not always come as they are. */
export interface ColumnFacts {
  readonly table: string
  /** Stored generated columns: a snapshot has them, the log does not. */
  readonly generated: readonly string[]
  /** Columns that may be stored apart from their row, where the table has such values; empty under REPLICA IDENTITY FULL. */
  readonly toastable: readonly string[]
  /** Of those, the columns that come as null when they were not logged. */
  readonly nulled: readonly string[]
  /** Columns of types that Debezium leaves out of its records. */
  readonly unsupported: readonly string[]
  /** Columns of types of whose values a part is lost, with that part. */
  readonly lossy: readonly { readonly column: string; readonly part: string }[]
}

/** What the role that makes the publication may do. */
export interface PublisherFacts {
  readonly role: string
  readonly mayCreate: boolean
  /** Tables whose owner it is not. */
  readonly notOwned: readonly string[]
}

/** Reads {@link ServerFacts}. Any role may ask. */
export async function readServer(
  client: PostgresClient,
  installation: string,
  signal: AbortSignal,
): Promise<ServerFacts> {
  const [row = {}] = await client.query(
    `select current_setting('server_version_num')::int as version,
      current_setting('max_replication_slots')::int > (select count(*) from pg_replication_slots) as slot_free,
      current_setting('max_wal_senders')::int > (select count(*) from pg_stat_replication) as sender_free,
      coalesce(current_setting('max_slot_wal_keep_size', true), '-1') as keep_size, pg_is_in_recovery() as standby,
      current_setting('ssl') = 'on' as tls,
      (select rolsuper or rolreplication from pg_roles where rolname = current_user) or exists (select from pg_roles r
        where r.rolname in ('rds_replication', 'rds_superuser') and pg_has_role(current_user, r.oid, 'member')) as may_replicate,
      array(select obj_description(oid, 'pg_publication') from pg_publication
        where starts_with(obj_description(oid, 'pg_publication'), $1 || '/') order by 1) as marks`,
    [installation],
    signal,
  )
  return {
    version: Number(row['version']),
    slotFree: row['slot_free'] === true,
    senderFree: row['sender_free'] === true,
    keepSize: String(row['keep_size']),
    standby: row['standby'] === true,
    tls: row['tls'] === true,
    pooled: await client.pooled(signal),
    mayReplicate: row['may_replicate'] === true,
    marks: names(row['marks']),
  }
}

/** Reads {@link PublisherFacts} of the client's own role. */
export async function readPublisher(
  client: PostgresClient,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<PublisherFacts> {
  const [row = {}] = await client.query(
    `select current_user::text as role, has_database_privilege(current_database(), 'create') as may_create,
      array(select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname || '.' || c.relname = any($1) and not pg_has_role(c.relowner, 'usage') order by 1) as not_owned`,
    [tables],
    signal,
  )
  return {
    role: String(row['role']),
    mayCreate: row['may_create'] === true,
    notOwned: names(row['not_owned']),
  }
}

/** Of a table or its partitions, those that have values stored apart. */
const TOASTED = `select from pg_class l where l.oid = any(case when c.relkind = 'p'
  then array(select relid::oid from pg_partition_tree(c.oid) where isleaf) else array[c.oid] end)
  and l.reltoastrelid <> 0 and pg_relation_size(l.reltoastrelid) > 0`

/** Reads {@link ColumnFacts} of the tables of these names (schema.table) that exist. */
export async function readColumnFacts(
  client: PostgresClient,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<readonly ColumnFacts[]> {
  const rows = await client.query(
    `select n.nspname || '.' || c.relname as table, a.attname as name, a.attgenerated = 's' as generated,
      a.attstorage in ('x', 'e') and c.relreplident <> 'f'
        and (a.atttypmod < 0 or a.atttypmod > 2000 or t.typcategory = 'A') and exists (${TOASTED}) as toastable,
      ${TYPE_NAME} as type, a.attndims as dimensions, t.typtype = 'd' as domain
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_type t on t.oid = a.atttypid
      where n.nspname || '.' || c.relname = any($1) and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
      order by 1, a.attnum`,
    [tables],
    signal,
  )
  return [...Map.groupBy(rows, (row) => String(row['table']))].map(([table, columns]) => ({
    table,
    ...columnFacts(columns),
  }))
}

function columnFacts(columns: readonly PostgresRow[]): Omit<ColumnFacts, 'table'> {
  const named = (all: readonly PostgresRow[]) => all.map((row) => String(row['name']))
  const toastable = columns.filter((row) => row['toastable'] === true)
  return {
    generated: named(columns.filter((row) => row['generated'] === true)),
    toastable: named(toastable),
    nulled: named(toastable.filter((row) => isNullWhenNotLogged(catalogType(row)))),
    unsupported: named(columns.filter((row) => isLost(catalogType(row)))),
    lossy: columns.flatMap((row) => {
      const part = lostPart(catalogType(row))
      return part === undefined ? [] : [{ column: String(row['name']), part }]
    }),
  }
}

const catalogType = (row: PostgresRow): CatalogType => ({
  type: String(row['type']),
  dimensions: Number(row['dimensions']),
  domain: row['domain'] === true,
})

const names = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])
