import { quoteIdentifier } from '../../clients/postgres.ts'
import type { Finding } from '../preflight.ts'
import type { PreflightFacts } from './preflight-facts.ts'
import { publicationStatements, tableList, VIA_ROOT } from './publication.ts'
import { OPERATIONS } from './queries.ts'

/** What of the publication would keep changes from coming, or would keep us from making it. Pure. */
export function publicationFindings(
  facts: Pick<PreflightFacts, 'publication' | 'tables' | 'publisher' | 'role'>,
): readonly Finding[] {
  const { wish, view } = facts.publication
  if (wish.management === 'External') return externalFindings(facts)
  if (!view) return rightFindings(facts)
  if (view.comment === wish.owner || wish.adoption === 'Adopt') return []
  const whose = view.comment ? `belongs to ${view.comment}` : 'carries no mark of ours'
  return [
    {
      check: 'NotOurs',
      level: 'Error',
      found: `publication ${wish.name} exists and ${whose}`,
      remedy: 'drop it, name another in postgres.publication.name, or set adoptionPolicy to Adopt',
      needsSpec: true,
    },
  ]
}

function externalFindings({
  publication: { wish, view },
  tables,
}: Pick<PreflightFacts, 'publication' | 'tables'>): readonly Finding[] {
  const name = quoteIdentifier(wish.name)
  if (!view) {
    const [create = ''] = publicationStatements({ ...wish, management: 'Managed' })
    const found = `publication ${wish.name} is not there, and its managementPolicy is External`
    return [{ check: 'PublicationMissing', level: 'Error', found, remedy: create }]
  }
  const error = (check: string, found: string, remedy: string): Finding => ({
    ...{ check, level: 'Error', found: `publication ${wish.name} ${found}`, remedy },
  })
  const findings: Finding[] = []
  const partitioned = tables.filter(({ kind }) => kind === 'p').map(({ table }) => table)
  if (!view.viaRoot && partitioned.length > 0) {
    const found = `publishes changes under the names of partitions, not of ${partitioned.join(', ')}`
    findings.push(error('PublicationNotViaRoot', found, `ALTER PUBLICATION ${name} SET (${VIA_ROOT})`))
  }
  // Without it, a partitioned table is listed by its partitions, if it has any.
  const listed = view.viaRoot ? view.tables : [...view.tables, ...partitioned]
  const missing = wish.tables.filter((table) => !listed.includes(table))
  if (missing.length > 0) {
    const remedy = `ALTER PUBLICATION ${name} ADD TABLE ${tableList(missing)}`
    findings.push(error('PublicationLacksTables', `lacks ${missing.join(', ')}`, remedy))
  }
  if (view.unpublished.length > 0) {
    const remedy = `ALTER PUBLICATION ${name} SET (publish = '${OPERATIONS.join(', ')}')`
    findings.push(
      error('PublicationLacksOperations', `does not publish ${view.unpublished.join(', ')}`, remedy),
    )
  }
  const captured = (narrow: readonly string[]) => wish.tables.filter((table) => narrow.includes(table))
  return [
    ...findings,
    ...narrowed(wish.name, captured(view.filtered), 'Rows', 'WHERE'),
    ...narrowed(wish.name, captured(view.columnLists), 'Columns', 'a list of columns'),
  ]
}

function narrowed(
  publication: string,
  tables: readonly string[],
  what: 'Rows' | 'Columns',
  clause: string,
): readonly Finding[] {
  const alter = `ALTER PUBLICATION ${quoteIdentifier(publication)}`
  return tables.map((table) => ({
    check: `PublicationFilters${what}`,
    level: 'Warning',
    table,
    found: `publication ${publication} lets only some ${what.toLowerCase()} of ${table} pass (${clause}), while the snapshot has all`,
    remedy: `${alter} DROP TABLE ${tableList([table])}; ${alter} ADD TABLE ${tableList([table])}`,
  }))
}

/** Whoever makes a publication needs CREATE on the database and to own the tables. */
function rightFindings({
  publication: { wish },
  publisher,
}: Pick<PreflightFacts, 'publication' | 'publisher'>): readonly Finding[] {
  const { role, mayCreate, notOwned } = publisher
  if (mayCreate && notOwned.length === 0) return []
  const lacks = [
    ...(mayCreate ? [] : ['has no CREATE on the database']),
    ...(notOwned.length > 0 ? [`does not own ${notOwned.join(', ')}`] : []),
  ].join(' and ')
  const [create = ''] = publicationStatements(wish)
  return [
    {
      check: 'PublicationNotPermitted',
      level: 'Error',
      found: `role ${role} cannot make publication ${wish.name}: it ${lacks}`,
      remedy: `let the owner of the tables run "${create}" and set postgres.publication.managementPolicy to External, or give postgres.adminCredentialsSecretRef a role that may`,
    },
  ]
}
