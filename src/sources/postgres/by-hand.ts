import type { Source } from '../../api/source/index.ts'
import { quoteIdentifier, quoteLiteral } from '../../clients/postgres.ts'
import type { ResourceId } from '../../external/contract.ts'

/** The statement that takes away a slot or a publication, and where to run it. */
export function byHand({ spec }: Source, { kind, name }: ResourceId): string | undefined {
  const { host, port = 5432, database } = spec.postgres ?? {}
  const at = `in database ${database} at ${host}:${port}`
  switch (kind) {
    case 'ReplicationSlot':
      return `SELECT pg_drop_replication_slot(${quoteLiteral(name)}) ${at}`
    case 'Publication':
      return `DROP PUBLICATION IF EXISTS ${quoteIdentifier(name)} ${at}`
    default:
      return undefined
  }
}
