import type { PostgresClient, PostgresRow } from '../../../clients/postgres.ts'

/** A publication in memory. */
interface Publication {
  tables: readonly string[]
  comment: string | null
  viaRoot: boolean
}

/** A PostgreSQL server in memory, as far as publications and slots go. */
export interface MemoryDatabase {
  readonly client: PostgresClient
  readonly publications: Map<string, Publication>
  readonly slots: Map<string, { active: boolean }>
  /** Statements that write, in order. */
  readonly writes: string[]
}

const unquote = (text: string): string => text.replaceAll('"', '')
const tablesOf = (list: string): readonly string[] => list.split(', ').map(unquote).sort()

/** An empty server; throws for a statement that it does not know. */
export function memoryDatabase(): MemoryDatabase {
  const publications = new Map<string, Publication>()
  const slots: MemoryDatabase['slots'] = new Map()
  const writes: string[] = []

  const read = (sql: string, values: readonly unknown[]): readonly PostgresRow[] | undefined => {
    const names = Array.isArray(values[0]) ? values[0].map(String) : []
    if (sql.includes('pg_control_system')) return [{ system: '7', wal_level: 'logical', wal_end: '100' }]
    if (sql.includes('from pg_replication_slots')) {
      return [...slots].map(([slot_name, { active }]) => ({ slot_name, active, plugin: 'pgoutput' }))
    }
    if (sql.includes('from pg_stat_activity') || sql.includes('from pg_publication_rel')) return []
    if (sql.includes('has_database_privilege')) return [{ role: 'reader', may_create: true, not_owned: [] }]
    if (sql.includes('from pg_publication_tables')) {
      return names.flatMap((pubname) =>
        (publications.get(pubname)?.tables ?? []).map((table) => ({ pubname, table })),
      )
    }
    if (!sql.includes('from pg_publication ')) return undefined
    return names.flatMap((pubname) => {
      const found = publications.get(pubname)
      return found
        ? [{ pubname, comment: found.comment, puballtables: false, pubviaroot: found.viaRoot }]
        : []
    })
  }
  const write = (sql: string, values: readonly unknown[]): boolean => {
    const [, made, first = ''] =
      /^CREATE PUBLICATION (\S+) FOR TABLE (.+?) WITH \(publish_via_partition_root = true\)$/.exec(sql) ?? []
    if (made)
      return !!publications.set(unquote(made), { tables: tablesOf(first), comment: null, viaRoot: true })
    const [, altered, list = ''] = /^ALTER PUBLICATION (\S+) SET TABLE (.+)$/.exec(sql) ?? []
    if (altered) return !!Object.assign(publications.get(unquote(altered)) ?? {}, { tables: tablesOf(list) })
    const [, rooted] = /^ALTER PUBLICATION (\S+) SET \(publish_via_partition_root = true\)$/.exec(sql) ?? []
    if (rooted) return !!Object.assign(publications.get(unquote(rooted)) ?? {}, { viaRoot: true })
    const [, marked, comment = ''] = /^COMMENT ON PUBLICATION (\S+) IS '(.*)'$/.exec(sql) ?? []
    if (marked) return !!Object.assign(publications.get(unquote(marked)) ?? {}, { comment })
    const [, dropped] = /^DROP PUBLICATION IF EXISTS (\S+)$/.exec(sql) ?? []
    if (dropped) return publications.delete(unquote(dropped)) || true
    if (sql.startsWith('select pg_drop_replication_slot')) return slots.delete(String(values[0])) || true
    return false
  }

  const client: PostgresClient = {
    query: async (sql, values) => {
      const rows = read(sql, values)
      if (rows) return rows
      if (!write(sql, values)) throw new Error(`the database in memory does not know: ${sql}`)
      writes.push(sql)
      return []
    },
    pooled: () => Promise.resolve(false),
    close: () => Promise.resolve(),
  }
  return { client, publications, slots, writes }
}
