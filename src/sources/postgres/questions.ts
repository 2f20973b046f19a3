import type { PostgresClient } from '../../clients/postgres.ts'
import type { Interest } from '../../external/interests.ts'
import type { Poll } from '../../external/polls.ts'
import type { Question } from '../../external/question.ts'
import type { Trail } from '../../lag/trail.ts'
import {
  type ColumnFacts,
  type PublisherFacts,
  readColumnFacts,
  readPublisher,
  readServer,
  type ServerFacts,
} from './facts.ts'
import {
  type ColumnView,
  type DatabaseView,
  type PublicationView,
  readColumns,
  readDatabase,
  readPublications,
  readTables,
  type TableView,
} from './queries.ts'
import { matchTables, readRelations, type TableRelation } from './relations.ts'

/** A database among questions: its address and who asks, and how to ask it. */
export interface Asked {
  readonly address: string
  readonly client: PostgresClient
}

/** A server's facts. */
export const serverPoll = ({ address, client }: Asked, installation: string): Poll<ServerFacts> => ({
  key: `server ${address} ${installation}`,
  everyMs: 15_000,
  ask: (signal) => readServer(client, installation, signal),
  fingerprint: (facts) => JSON.stringify(facts),
})

/** Slots and the end of the log: one question for all Sources on a database. */
export const databasePoll = (
  { address, client }: Asked,
  trail: Trail,
  seen: (view: DatabaseView) => string,
): Poll<DatabaseView> => ({
  key: `database ${address}`,
  everyMs: 5_000,
  ask: async (signal) => {
    const view = await readDatabase(client, signal)
    trail.note(view.walEnd)
    return view
  },
  fingerprint: seen,
})

/** A table in the catalogue. */
export interface CatalogueEntry {
  readonly table: TableView | undefined
  readonly columns: readonly ColumnView[]
  readonly facts: ColumnFacts | undefined
  readonly relation: TableRelation | undefined
}

/** Tables, named as schema.table: one question for all Sources on a database. */
export const catalogueQuestion = ({ address, client }: Asked): Question<CatalogueEntry> => ({
  key: `catalogue ${address}`,
  everyMs: 15_000,
  ask: async (names, signal) => {
    const tables = new Map((await readTables(client, names, signal)).map((view) => [view.table, view]))
    const columns = Map.groupBy(await readColumns(client, names, signal), ({ table }) => table)
    const facts = new Map((await readColumnFacts(client, names, signal)).map((found) => [found.table, found]))
    const relations = await readRelations(client, names, signal)
    const present = names.filter((name) => tables.has(name) || columns.has(name))
    return new Map(
      present.map((name) => [
        name,
        {
          table: tables.get(name),
          columns: columns.get(name) ?? [],
          facts: facts.get(name),
          relation: relations.get(name),
        },
      ]),
    )
  },
})

/** As many tables as patterns may match; spec.tables may have as many entries. */
const MOST_TABLES = 1_000

/** Names of the tables that patterns (regular expressions) match now. */
export const matchingPoll = (
  { address, client }: Asked,
  patterns: readonly string[],
): Poll<readonly string[]> => ({
  key: `tables like ${patterns.join(' ')} ${address}`,
  everyMs: 15_000,
  ask: (signal) => matchTables(client, patterns, MOST_TABLES, signal),
  fingerprint: (names) => names.join(),
})

/** Publications: one question for all Sources on a database. */
export const publicationsQuestion = ({ address, client }: Asked): Question<PublicationView> => ({
  key: `publications ${address}`,
  everyMs: 15_000,
  ask: (names, signal) => readPublications(client, names, signal),
})

/** Stands for the role itself among the names of tables. */
const ROLE = ''

/** What a role may do with tables: one question for all Sources that publish as it. */
export const publisherQuestion = ({ address, client }: Asked): Question<PublisherFacts> => ({
  key: `publisher ${address}`,
  everyMs: 60_000,
  ask: async (names, signal) => {
    const facts = await readPublisher(client, names, signal)
    const notOwned = new Set(facts.notOwned)
    return new Map(
      names.map((name) => [name, { ...facts, notOwned: notOwned.has(name) ? [name] : [] }] as const),
    )
  },
})

/** The interest in what a role may do with these tables. */
export const publisherInterest = (tables: readonly string[]): Interest<PublisherFacts> => ({
  names: [ROLE, ...tables],
  fingerprint: (found) => JSON.stringify([...found]),
})

/** What was found of a role and tables, taken together. */
export function publisherFacts(found: ReadonlyMap<string, PublisherFacts>): PublisherFacts {
  const { role = '', mayCreate = false } = found.get(ROLE) ?? {}
  return { role, mayCreate, notOwned: [...found.values()].flatMap(({ notOwned }) => notOwned) }
}
