import type { SourceTable } from '../../api/source/index.ts'
import { entryOf, isPattern, takesColumn } from '../../api/source/tables.ts'
import type { Finding } from '../preflight.ts'
import type { PreflightFacts } from './preflight-facts.ts'
import { publicationFindings } from './published.ts'
import type { TableView } from './queries.ts'
import { serverFindings } from './server.ts'

/** Everything that would keep a Source from working or surprise its readers, each with its remedy. Pure. */
export function findingsOf(facts: PreflightFacts): readonly Finding[] {
  const { tables } = facts.spec
  return [
    ...serverFindings(facts),
    ...publicationFindings(facts),
    ...tables.flatMap((table) => (isPattern(table.name) ? patternFindings : namedFindings)(facts, table)),
  ]
}

function namedFindings(facts: PreflightFacts, wish: SourceTable): readonly Finding[] {
  return [...tableErrors(facts, wish), ...columnFindings(facts, wish)]
}

/** What matches and cannot be captured is left out, and warned of: a new table must not stop the others. */
function patternFindings(facts: PreflightFacts, wish: SourceTable): readonly Finding[] {
  const { tables } = facts.spec
  const matched = facts.tables.filter(({ table }) => entryOf(tables, table) === wish)
  if (matched.length === 0) {
    const found = `no table matches ${wish.name}`
    const remedy = 'create one, or correct spec.tables'
    const alone = tables.length === 1
    return [{ check: 'NoTableMatches', level: alone ? 'Error' : 'Warning', table: wish.name, found, remedy }]
  }
  return matched.flatMap(({ table }) => {
    const entry = { ...wish, name: table }
    const errors = tableErrors(facts, entry)
    if (errors.length === 0) return columnFindings(facts, entry)
    return errors.map(({ needsSpec: _needs, ...error }) => ({
      ...error,
      level: 'Warning' as const,
      found: `${error.found}; it is left out`,
    }))
  })
}

/** What keeps a table from being captured. */
export function tableErrors(
  facts: Pick<PreflightFacts, 'spec' | 'role' | 'tables' | 'shapes'>,
  wish: SourceTable,
): readonly Finding[] {
  const { name } = wish
  const table = facts.tables.find((view) => view.table === name)
  const error = (check: string, found: string, remedy: string): Finding => ({
    check,
    level: 'Error',
    table: name,
    found,
    remedy,
  })
  if (!table) {
    return [error('TableNotFound', `table ${name} does not exist`, 'create it, or correct spec.tables')]
  }
  if (table.kind !== 'r' && table.kind !== 'p') {
    return [error('NotATable', `${name} is no table`, 'take it out of spec.tables')]
  }
  const [schema] = name.split('.')
  const grant = `GRANT USAGE ON SCHEMA ${schema} TO ${facts.role}; GRANT SELECT ON ${name} TO ${facts.role}`
  const logged = `ALTER TABLE ${name} SET LOGGED`
  return [
    ...(table.persistence === 'p'
      ? []
      : [error('TableNotLogged', `table ${name} is not written to the log`, logged)]),
    ...(table.readable ? [] : [error('NotReadable', `role ${facts.role} may not read ${name}`, grant)]),
    ...keyFindings(facts, wish, table),
  ]
}

function keyFindings(
  facts: Pick<PreflightFacts, 'spec' | 'shapes'>,
  wish: SourceTable,
  table: TableView,
): readonly Finding[] {
  const { name } = wish
  const policy = wish.topic?.policy ?? facts.spec.topics?.policy ?? 'Latest'
  const shape = facts.shapes.get(name)
  const missing = (shape?.key ?? wish.key ?? []).filter((column) => !(column in (shape?.columns ?? {})))
  const leftOut = missing.filter((column) => !takesColumn(wish, column))
  const unknown = missing.filter((column) => takesColumn(wish, column))
  const findings: Finding[] = []
  if (leftOut.length > 0) {
    findings.push({
      check: 'KeyColumnLeftOut',
      level: 'Error',
      table: name,
      found: `${name}: ${leftOut.join(', ')} belongs to the key and is left out by spec.tables[${name}].columns`,
      remedy: 'capture it, or name another key in spec.tables[].key',
      needsSpec: true,
    })
  }
  if (unknown.length > 0) {
    findings.push({
      check: 'KeyColumnNotFound',
      level: 'Error',
      table: name,
      found: `spec.tables[${name}].key names ${unknown.join(', ')}, which the table does not have`,
      remedy: 'correct the key',
      needsSpec: true,
    })
  }
  if ((shape?.key.length ?? 0) === 0 && policy === 'Latest') {
    findings.push({
      check: 'LatestNeedsKey',
      level: 'Error',
      table: name,
      found: `table ${name} has no primary key, and policy Latest keeps one row a key`,
      remedy: `add a primary key, set spec.tables[${name}].key, or choose topic.policy History`,
      needsSpec: true,
    })
  }
  if (table.breaksUpdates) {
    findings.push({
      check: 'NoReplicaIdentity',
      level: 'Error',
      table: name,
      found: `table ${name} has no replica identity: once published, the application's own UPDATE and DELETE would fail`,
      remedy: `ALTER TABLE ${name} REPLICA IDENTITY FULL${table.kind === 'p' ? ', and the same for each partition' : ''}`,
    })
  }
  return findings
}

function columnFindings({ columns }: PreflightFacts, wish: SourceTable): readonly Finding[] {
  const { name } = wish
  const facts = columns.find(({ table }) => table === name)
  if (!facts) return []
  const warn = (check: string, all: readonly string[], says: string, remedy: string): readonly Finding[] => {
    const left = all.filter((column) => takesColumn(wish, column))
    const shown = left.slice(0, 5).join(', ') + (left.length > 5 ? ` and ${left.length - 5} more` : '')
    return left.length === 0
      ? []
      : [{ check, level: 'Warning', table: name, found: `${name}: ${shown} ${says}`, remedy }]
  }
  const lossy = facts.lossy
    .filter(({ column }) => takesColumn(wish, column))
    .map(({ column, part }) => `${column} (${part})`)
  const exclude = 'leave it out with columns.exclude, or store it as another type'
  return [
    ...warn('UnsupportedType', facts.unsupported, 'cannot be captured and will be missing', exclude),
    ...warn('GeneratedColumn', facts.generated, 'is generated: changes do not carry it', exclude),
    ...warn('LossyType', lossy, 'lose a part of their values on the way', exclude),
    ...warn(
      'ToastWithoutFull',
      facts.toastable.filter((column) => !facts.nulled.includes(column)),
      'has values stored apart from their row: an UPDATE that leaves such a value alone does not carry it',
      `ALTER TABLE ${name} REPLICA IDENTITY FULL`,
    ),
    ...warn(
      'ToastBecomesNull',
      facts.nulled,
      'has values stored apart from their row: an UPDATE that leaves such a value alone makes it null for all readers',
      `ALTER TABLE ${name} REPLICA IDENTITY FULL`,
    ),
  ]
}
