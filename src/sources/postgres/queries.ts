import type { PostgresClient, PostgresRow } from '../../clients/postgres.ts'

/** What one database says of itself, for all Sources on it. */
export interface DatabaseView {
  readonly systemIdentifier: string
  readonly walLevel: string
  /** End of the write-ahead log, in bytes. */
  readonly walEnd: bigint
  readonly slots: ReadonlyMap<string, SlotView>
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
}

/** A publication with its comment, which carries our mark. */
export interface PublicationView {
  readonly comment: string | undefined
  readonly allTables: boolean
  /** Changes of a partition count as its table's; else they would pass under a name that nobody captures. */
  readonly viaRoot: boolean
  /** schema.table, sorted. */
  readonly tables: readonly string[]
}

/** A column as the catalogue has it; `type` is the name of its base type, `[]` for any array. */
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

/** Reads {@link DatabaseView}. Any role may ask. */
export async function readDatabase(client: PostgresClient, signal: AbortSignal): Promise<DatabaseView> {
  const [head] = await client.query(
    `select (pg_control_system()).system_identifier::text as system, current_setting('wal_level') as wal_level,
      (case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end - '0/0')::text as wal_end`,
    [],
    signal,
  )
  const slots = await client.query(
    `select slot_name, coalesce(plugin, '') as plugin, coalesce(database, '') as database, active,
      coalesce(wal_status, '') as wal_status, (restart_lsn - '0/0')::text as restart,
      (confirmed_flush_lsn - '0/0')::text as confirmed, confirmed_flush_lsn::text as confirmed_lsn,
      safe_wal_size::text as safe from pg_replication_slots`,
    [],
    signal,
  )
  return {
    systemIdentifier: text(head, 'system'),
    walLevel: text(head, 'wal_level'),
    walEnd: BigInt(text(head, 'wal_end') || '0'),
    slots: new Map(slots.map((row) => [text(row, 'slot_name'), slotView(row)])),
  }
}

/** Reads the publications of these names that exist. */
export async function readPublications(
  client: PostgresClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PublicationView>> {
  const publications = await client.query(
    `select pubname, obj_description(oid, 'pg_publication') as comment, puballtables, pubviaroot
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
  return new Map(
    publications.map((row) => [
      text(row, 'pubname'),
      {
        comment: text(row, 'comment') || undefined,
        allTables: row['puballtables'] === true,
        viaRoot: row['pubviaroot'] === true,
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

/** Reads the columns of these tables, in order. */
export async function readColumns(
  client: PostgresClient,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ColumnView[]> {
  const rows = await client.query(
    `select n.nspname || '.' || c.relname as table, a.attname as name,
      case when t.typcategory = 'A' then '[]' when t.typtype = 'd' then b.typname else t.typname end as type,
      coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0) as key_place
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = t.typbasetype
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

function slotView(row: PostgresRow): SlotView {
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
  }
}
