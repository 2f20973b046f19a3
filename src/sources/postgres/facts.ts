import type { SourceSpec } from '../../api/source/index.ts'
import type { PostgresClient } from '../../clients/postgres.ts'
import type { TableShape } from '../type.ts'
import type { DatabaseView, TableView } from './queries.ts'

/** What a server and the connector's role there allow. */
export interface ServerFacts {
  /** As in 150018 for 15.18. */
  readonly version: number
  readonly slotFree: boolean
  readonly senderFree: boolean
  /** max_slot_wal_keep_size; -1: a slot may hold back log until the disk is full. */
  readonly keepSize: string
  readonly standby: boolean
  readonly mayReplicate: boolean
  /** Publications that carry this installation's mark. */
  readonly ours: readonly string[]
}

/** Columns of one table whose values do not always come as they are. */
export interface ColumnFacts {
  readonly table: string
  /** Stored generated columns: a snapshot has them, the log does not. */
  readonly generated: readonly string[]
  /** Columns that may be stored apart from their row; empty under REPLICA IDENTITY FULL. */
  readonly toastable: readonly string[]
  /** Columns of types that Debezium leaves out of its records. */
  readonly unsupported: readonly string[]
}

/** What preflight looks at. */
export interface PreflightFacts {
  readonly spec: SourceSpec
  readonly role: string
  readonly slot: string
  readonly server: ServerFacts
  readonly database: DatabaseView
  readonly tables: readonly TableView[]
  readonly columns: readonly ColumnFacts[]
  readonly shapes: ReadonlyMap<string, TableShape>
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
      (select rolsuper or rolreplication from pg_roles where rolname = current_user) or exists (select from pg_roles r
        where r.rolname in ('rds_replication', 'rds_superuser') and pg_has_role(current_user, r.oid, 'member')) as may_replicate,
      array(select pubname::text from pg_publication
        where starts_with(obj_description(oid, 'pg_publication'), $1 || '/') order by 1) as ours`,
    [installation],
    signal,
  )
  return {
    version: Number(row['version']),
    slotFree: row['slot_free'] === true,
    senderFree: row['sender_free'] === true,
    keepSize: String(row['keep_size']),
    standby: row['standby'] === true,
    mayReplicate: row['may_replicate'] === true,
    ours: names(row['ours']),
  }
}

/** Reads {@link ColumnFacts} of the tables of these names (schema.table) that exist. */
export async function readColumnFacts(
  client: PostgresClient,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<readonly ColumnFacts[]> {
  const rows = await client.query(
    `select n.nspname || '.' || c.relname as table,
      coalesce(array_agg(a.attname::text order by a.attnum) filter (where a.attgenerated = 's'), '{}') as generated,
      coalesce(array_agg(a.attname::text order by a.attnum) filter (where a.attstorage in ('x', 'e')
        and c.relreplident <> 'f' and (a.atttypmod < 0 or a.atttypmod > 2000)), '{}') as toastable,
      coalesce(array_agg(a.attname::text order by a.attnum) filter (where t.typtype in ('m', 'c')), '{}') as unsupported
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_type t on t.oid = a.atttypid
      where n.nspname || '.' || c.relname = any($1) and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
      group by 1 order by 1`,
    [tables],
    signal,
  )
  return rows.map((row) => ({
    table: String(row['table']),
    generated: names(row['generated']),
    toastable: names(row['toastable']),
    unsupported: names(row['unsupported']),
  }))
}

const names = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])
