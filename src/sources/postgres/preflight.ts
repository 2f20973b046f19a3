import type { SourceSpec } from '../../api/source/index.ts'
import type { Health } from '../../external/contract.ts'
import type { TableShape } from '../type.ts'
import type { DatabaseView, TableView } from './queries.ts'

/** What preflight looks at. */
export interface PreflightFacts {
  readonly spec: SourceSpec
  readonly role: string
  readonly database: DatabaseView
  readonly tables: readonly TableView[]
  readonly shapes: ReadonlyMap<string, TableShape>
}

/** Everything that would keep a Source from working, each with its remedy; Ready when nothing does. Pure. */
export function judgePreflight(facts: PreflightFacts): Health {
  const findings = [
    ...databaseFindings(facts),
    ...facts.spec.tables.flatMap((table) => tableFindings(facts, table)),
  ]
  // What heals by itself is not why a person has to help.
  const first = findings.find(({ heals }) => !heals) ?? findings[0]
  if (!first) return { type: 'Ready', message: `${facts.spec.tables.length} tables can be captured` }
  const message = findings.map((finding) => finding.message).join(' · ')
  return !first.heals
    ? { type: 'Broken', reason: first.reason, message }
    : { type: 'NotReady', reason: first.reason, message, afterMs: 15_000 }
}

interface Finding {
  readonly reason: string
  readonly message: string
  /** A change in the database repairs it, so it is looked at again. */
  readonly heals: boolean
}

function databaseFindings({ database }: PreflightFacts): readonly Finding[] {
  if (database.walLevel === 'logical') return []
  return [
    {
      reason: 'WalLevelNotLogical',
      message: `wal_level is ${database.walLevel}: ALTER SYSTEM SET wal_level = logical, then restart the server`,
      heals: true,
    },
  ]
}

function tableFindings(facts: PreflightFacts, wish: SourceSpec['tables'][number]): readonly Finding[] {
  const { name } = wish
  const table = facts.tables.find((view) => view.table === name)
  if (!table) {
    return [
      {
        reason: 'TableNotFound',
        message: `table ${name} does not exist: create it, or correct spec.tables`,
        heals: true,
      },
    ]
  }
  const findings: Finding[] = []
  if (table.kind !== 'r' && table.kind !== 'p') {
    findings.push({
      reason: 'NotATable',
      message: `${name} is no table: take it out of spec.tables`,
      heals: true,
    })
  }
  if (table.persistence !== 'p') {
    findings.push({
      reason: 'TableNotLogged',
      message: `table ${name} is not written to the log: ALTER TABLE ${name} SET LOGGED`,
      heals: true,
    })
  }
  if (!table.readable) {
    const schema = name.split('.')[0]
    findings.push({
      reason: 'NotReadable',
      message: `role ${facts.role} may not read ${name}: GRANT USAGE ON SCHEMA ${schema} TO ${facts.role}; GRANT SELECT ON ${name} TO ${facts.role}`,
      heals: true,
    })
  }
  return [...findings, ...keyFindings(facts, wish, table)]
}

function keyFindings(
  facts: PreflightFacts,
  wish: SourceSpec['tables'][number],
  table: TableView,
): readonly Finding[] {
  const policy = wish.topic?.policy ?? facts.spec.topics?.policy ?? 'Latest'
  const shape = facts.shapes.get(wish.name)
  const keyless = (shape?.key.length ?? 0) === 0
  const unknown = (wish.key ?? []).filter((column) => !(column in (shape?.columns ?? {})))
  if (unknown.length > 0) {
    return [
      {
        reason: 'KeyColumnNotFound',
        message: `spec.tables[${wish.name}].key names ${unknown.join(', ')}, which the table does not have`,
        heals: false,
      },
    ]
  }
  if (keyless && policy === 'Latest') {
    return [
      {
        reason: 'LatestNeedsKey',
        message: `table ${wish.name} has no primary key, and policy Latest keeps one row a key: add a primary key, set spec.tables[${wish.name}].key, or choose topic.policy History`,
        heals: false,
      },
    ]
  }
  if (keyless && table.replicaIdentity === 'd') {
    return [
      {
        reason: 'NoReplicaIdentity',
        message: `table ${wish.name} has no primary key: once published, the application's own UPDATE and DELETE would fail. ALTER TABLE ${wish.name} REPLICA IDENTITY FULL`,
        heals: true,
      },
    ]
  }
  return []
}
