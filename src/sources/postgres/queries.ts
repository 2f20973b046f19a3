import type { PostgresClient, PostgresRow } from '../../clients/postgres.ts'

/** What one database says of itself, for all Sources on it. */
export interface DatabaseView {
  readonly systemIdentifier: string
  readonly walLevel: string
  /** End of the write-ahead log, in bytes. */
  readonly walEnd: bigint
  readonly slots: ReadonlyMap<string, SlotView>
  /** Transactions that have written and go on for ten seconds or more, oldest first, at most ten. */
  readonly longWriters: readonly LongWriter[]
  /** The function that heartbeats call, with its arguments, of which PostgreSQL 17 has one more. */
  readonly heartbeatFunction: string
}

/** A transaction for whose end the making of a slot waits. */
export interface LongWriter {
  readonly pid: number
  readonly user: string
  readonly database: string
  /** ISO 8601 in UTC; undefined where our role may not see it. */
  readonly since: string | undefined
}

/** A replication slot (pg_replication_slots). Positions are in bytes. */
export interface SlotView {
  readonly name: string
  readonly plugin: string
  readonly database: string
  readonly active: boolean
  /** reserved, extended, unreserved or lost. */
  readonly walStatus: string
  readonly restart: bigint | undefined
  readonly confirmed: bigint | undefined
  readonly confirmedLsn: string | undefined
  readonly safeBytes: bigint | undefined
  /** Who reads it; user and application are empty where our role may not see them. */
  readonly holder: { readonly pid: number; readonly user: string; readonly application: string } | undefined
  /** Transactions since the oldest whose rows of the catalogue it keeps from vacuum. */
  readonly catalogAge: number | undefined
  /** ISO 8601; known from PostgreSQL 17 on. */
  readonly inactiveSince: string | undefined
  /** Known from PostgreSQL 14 on. */
  readonly decoded?: Decoded
}

/** What the server has counted for a slot since it was made. */
export interface Decoded {
  /** Transactions that were decoded. */
  readonly count: number
  /** Another word when the server may have lost what it had counted. */
  readonly since: string
  /** When the count was set to zero by hand; empty: never. */
  readonly resetAt: string
  /** When it was read, seconds since 1970 by the server's clock. */
  readonly at: number
}

/** A publication with its comment, which carries our mark. */
export interface PublicationView {
  readonly comment: string | undefined
  readonly allTables: boolean
  /** Changes of a partition count as its table's; else they would pass under a name that nobody captures. */
  readonly viaRoot: boolean
  /** Of insert, update, delete and truncate, those that it leaves out. */
  readonly unpublished: readonly string[]
  /** Tables of which it lets only some rows pass (PostgreSQL 15). */
  readonly filtered: readonly string[]
  /** Tables of which it lets only listed columns pass (PostgreSQL 15). */
  readonly columnLists: readonly string[]
  /** schema.table, sorted. */
  readonly tables: readonly string[]
}

/** A column as the catalogue has it; `type` as in {@link import('./types.ts').CatalogType}. */
export interface ColumnView {
  readonly table: string
  readonly name: string
  readonly type: string
  /** Place in the primary key, from 1; 0 outside it. */
  readonly keyPlace: number
}

/** A table's facts that decide whether it can be captured. */
export interface TableView {
  readonly table: string
  readonly kind: string
  readonly persistence: string
  /** Once published, an UPDATE or DELETE of the table, or of one of its partitions, would be refused. */
  readonly breaksUpdates: boolean
  readonly readable: boolean
}

/** What a publication can publish. */
export const OPERATIONS = ['insert', 'update', 'delete', 'truncate'] as const

/** Reads {@link DatabaseView}. Any role may ask. */
export async function readDatabase(client: PostgresClient, signal: AbortSignal): Promise<DatabaseView> {
  const [head] = await client.query(
    `select (pg_control_system()).system_identifier::text as system, current_setting('wal_level') as wal_level,
      (case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end - '0/0')::text as wal_end,
      to_regclass('pg_catalog.pg_stat_replication_slots') is not null as counts,
      (select oid::regprocedure::text from pg_proc where proname = 'pg_logical_emit_message' and proargtypes[2] = 'text'::regtype) as heartbeat,
      concat(extract(epoch from pg_postmaster_start_time()), ' ',
        (select extract(epoch from stats_reset) from pg_stat_bgwriter)) as counted_since`,
    [],
    signal,
  )
  const counts = head?.['counts'] === true ? COUNTS : { columns: '', join: '' }
  const slots = await client.query(
    `select s.slot_name, coalesce(plugin, '') as plugin, coalesce(database, '') as database, active,
      coalesce(wal_status, '') as wal_status, (restart_lsn - '0/0')::text as restart,
      (confirmed_flush_lsn - '0/0')::text as confirmed, confirmed_flush_lsn::text as confirmed_lsn,
      safe_wal_size::text as safe, active_pid, age(catalog_xmin) as catalog_age, a.usename::text as holder_user,
      a.application_name as holder_application, to_jsonb(s) ->> 'inactive_since' as inactive_since${counts.columns}
      from pg_replication_slots s left join pg_stat_activity a on a.pid = s.active_pid${counts.join}`,
    [],
    signal,
  )
  // Without pg_monitor the start of another's transaction is hidden; its transaction id is not.
  const writers = await client.query(
    `select pid, coalesce(usename, '') as user, coalesce(datname, '') as database,
      to_char(xact_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since from pg_stat_activity
      where backend_xid is not null and pid <> pg_backend_pid()
      and case when xact_start is null then age(backend_xid) > 100 else xact_start < now() - interval '10 s' end
      order by age(backend_xid) desc limit 10`,
    [],
    signal,
  )
  return {
    longWriters: writers.map((row) => ({
      pid: Number(row['pid']),
      user: text(row, 'user'),
      database: text(row, 'database'),
      since: text(row, 'since') || undefined,
    })),
    heartbeatFunction: text(head, 'heartbeat'),
    systemIdentifier: text(head, 'system'),
    walLevel: text(head, 'wal_level'),
    walEnd: BigInt(text(head, 'wal_end') || '0'),
    slots: new Map(slots.map((row) => [text(row, 'slot_name'), slotView(row, text(head, 'counted_since'))])),
  }
}

/** What PostgreSQL 14 and later count for each slot. */
const COUNTS = {
  columns:
    ', t.total_txns::text as decoded, extract(epoch from t.stats_reset)::text as decoded_reset, extract(epoch from clock_timestamp())::text as decoded_at',
  join: ' left join pg_stat_replication_slots t on t.slot_name = s.slot_name',
}

/** Reads the publications of these names that exist. */
export async function readPublications(
  client: PostgresClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PublicationView>> {
  const publications = await client.query(
    `select pubname, obj_description(oid, 'pg_publication') as comment, puballtables, pubviaroot,
      pubinsert, pubupdate, pubdelete, pubtruncate
      from pg_publication where pubname = any($1)`,
    [names],
    signal,
  )
  if (publications.length === 0) return new Map()
  const rows = await client.query(
    `select pubname, schemaname || '.' || tablename as table from pg_publication_tables where pubname = any($1) order by 2`,
    [names],
    signal,
  )
  const tables = Map.groupBy(rows, (row) => text(row, 'pubname'))
  // As JSON, because servers before 15 do not have these columns.
  const narrowed = await client.query(
    `select pubname, n.nspname || '.' || c.relname as table, to_jsonb(r) ->> 'prqual' is not null as filtered,
      to_jsonb(r) ->> 'prattrs' is not null as listed from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
      join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
      where pubname = any($1) and (to_jsonb(r) ->> 'prqual' is not null or to_jsonb(r) ->> 'prattrs' is not null) order by 2`,
    [names],
    signal,
  )
  const narrowedBy = (column: string, publication: PostgresRow) =>
    narrowed
      .filter((row) => row[column] === true && row['pubname'] === publication['pubname'])
      .map((row) => text(row, 'table'))
  return new Map(
    publications.map((row) => [
      text(row, 'pubname'),
      {
        comment: text(row, 'comment') || undefined,
        allTables: row['puballtables'] === true,
        viaRoot: row['pubviaroot'] === true,
        unpublished: OPERATIONS.filter((operation) => row[`pub${operation}`] === false),
        filtered: narrowedBy('filtered', row),
        columnLists: narrowedBy('listed', row),
        tables: (tables.get(text(row, 'pubname')) ?? []).map((table) => text(table, 'table')),
      },
    ]),
  )
}

/** Of a table or its partitions, those without a usable replica identity. */
const IDENTITYLESS = `select from pg_class l where l.oid = any(case when c.relkind = 'p'
  then array(select relid::oid from pg_partition_tree(c.oid) where isleaf) else array[c.oid] end)
  and l.relkind = 'r' and l.relreplident <> 'f' and not exists (select from pg_index i where i.indrelid = l.oid and i.indisvalid
    and case l.relreplident when 'd' then i.indisprimary and i.indimmediate when 'i' then i.indisreplident else false end)`

/** Reads the tables of these names (schema.table) that exist. */
export async function readTables(
  client: PostgresClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly TableView[]> {
  const rows = await client.query(
    `select n.nspname || '.' || c.relname as table, c.relkind as kind, c.relpersistence as persistence,
      exists (${IDENTITYLESS}) as breaks_updates, has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as readable
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname || '.' || c.relname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
    [names],
    signal,
  )
  return rows.map((row) => ({
    table: text(row, 'table'),
    kind: text(row, 'kind'),
    persistence: text(row, 'persistence'),
    breaksUpdates: row['breaks_updates'] === true,
    readable: row['readable'] === true,
  }))
}

/** SQL of the type name of {@link import('./types.ts').CatalogType}, of a column `a` of pg_attribute. */
export const TYPE_NAME = `(with recursive below (oid) as (select a.atttypid
    union all select d.typbasetype from below join pg_type d on d.oid = below.oid where d.typtype = 'd')
  select case when e.oid is not null then case e.typtype when 'e' then 'enum' when 'd' then 'domain' else e.typname end || '[]'
    when b.typtype = 'e' then 'enum' when b.typname = 'bit' and a.atttypmod = 1 then 'bit(1)' else b.typname end
  from below join pg_type b on b.oid = below.oid
  left join pg_type e on b.typcategory = 'A' and e.oid = b.typelem where b.typtype <> 'd')`

/** Reads the columns of these tables, in order. */
export async function readColumns(
  client: PostgresClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ColumnView[]> {
  const rows = await client.query(
    `select n.nspname || '.' || c.relname as table, a.attname as name,
      ${TYPE_NAME} as type,
      coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0) as key_place
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      left join pg_index i on i.indrelid = c.oid and i.indisprimary
      where n.nspname || '.' || c.relname = any($1) and a.attnum > 0 and not a.attisdropped
      order by 1, a.attnum`,
    [names],
    signal,
  )
  return rows.map((row) => ({
    table: text(row, 'table'),
    name: text(row, 'name'),
    type: text(row, 'type'),
    keyPlace: Number(row['key_place']),
  }))
}

const text = (row: PostgresRow | undefined, column: string): string => {
  const value = row?.[column]
  return typeof value === 'string' ? value : ''
}

function slotView(row: PostgresRow, since: string): SlotView {
  const bytes = (column: string) => (text(row, column) ? BigInt(text(row, column)) : undefined)
  return {
    name: text(row, 'slot_name'),
    plugin: text(row, 'plugin'),
    database: text(row, 'database'),
    active: row['active'] === true,
    walStatus: text(row, 'wal_status'),
    restart: bytes('restart'),
    confirmed: bytes('confirmed'),
    confirmedLsn: text(row, 'confirmed_lsn') || undefined,
    safeBytes: bytes('safe'),
    holder:
      typeof row['active_pid'] === 'number'
        ? {
            pid: row['active_pid'],
            user: text(row, 'holder_user'),
            application: text(row, 'holder_application'),
          }
        : undefined,
    catalogAge: typeof row['catalog_age'] === 'number' ? row['catalog_age'] : undefined,
    inactiveSince: text(row, 'inactive_since') || undefined,
    ...(text(row, 'decoded') ? { decoded: decodedOf(row, since) } : {}),
  }
}

const decodedOf = (row: PostgresRow, since: string): Decoded => ({
  ...{ count: Number(text(row, 'decoded')), since, resetAt: text(row, 'decoded_reset') },
  at: Number(text(row, 'decoded_at')),
})
