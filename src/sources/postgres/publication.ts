import {
  isPostgresError,
  type PostgresClient,
  quoteIdentifier,
  quoteLiteral,
} from '../../clients/postgres.ts'
import type { Change, ExternalResource } from '../../external/contract.ts'
import type { SharedPolls } from '../../external/polls.ts'
import { Stalled, Waiting } from '../../lib/verdict.ts'
import { OPERATIONS, type PublicationView, readPublications } from './queries.ts'
import { publicationsQuestion } from './questions.ts'

/** A publication as it is wanted. */
export interface PublicationWish {
  readonly name: string
  /** schema.table of each table. */
  readonly tables: readonly string[]
  /** What becomes of tables that are in it and not wanted: they stay until no connector captures them. */
  readonly others: 'Keep' | 'Remove'
  readonly owner: string
  readonly management: 'Managed' | 'External'
  readonly adoption: 'Refuse' | 'Adopt'
}

/** What a publication works with. */
export interface PublicationContext {
  /** The role that may make it. */
  readonly client: PostgresClient
  /** Names the database among polls. */
  readonly database: string
  readonly polls: SharedPolls
  readonly user: string
  readonly verdict: (error: unknown) => never
}

/** A publication. It is compared on every look: DROP and CREATE of a table leaves it without a word. */
export function publication(
  context: PublicationContext,
  wish: PublicationWish,
): ExternalResource<PublicationView> {
  const { client, polls, user, database, verdict } = context
  const run = async (sql: string, signal: AbortSignal) => {
    await client.query(sql, [], signal).catch((error: unknown) => refused(error, sql, verdict))
  }
  return {
    id: { kind: 'Publication', name: wish.name },
    observe: async (signal, after) => {
      const interest = { names: [wish.name], fingerprint: publicationsSeen }
      const found = await polls
        .readEach(publicationsQuestion({ address: database, client }), interest, user, signal, after)
        .catch(verdict)
      return found.get(wish.name)
    },
    diff: (view) => differences(view, wish),
    health: () => ({ type: 'Ready', message: `publication ${wish.name} holds ${wish.tables.length} tables` }),
    apply: async (view, _changes, signal) => {
      if (wish.management === 'External') {
        throw new Waiting(
          'PublicationMissing',
          `publication ${wish.name} is not there and its managementPolicy is External: ${createStatement(wish)}`,
          15_000,
        )
      }
      const name = quoteIdentifier(wish.name)
      if (!view) await run(createStatement(wish), signal)
      else {
        const tables = wish.others === 'Keep' ? [...new Set([...view.tables, ...wish.tables])] : wish.tables
        await run(`ALTER PUBLICATION ${name} SET TABLE ${tableList(tables)}`, signal)
        await run(`ALTER PUBLICATION ${name} SET (${VIA_ROOT})`, signal)
        if (view.unpublished.length > 0) await run(`ALTER PUBLICATION ${name} SET (${PUBLISH_ALL})`, signal)
      }
      await run(markStatement(wish), signal)
    },
    remove: async (signal) => {
      const view = (await readPublications(client, [wish.name], signal).catch(verdict)).get(wish.name)
      if (!view || view.comment !== wish.owner) return
      await run(`DROP PUBLICATION IF EXISTS ${quoteIdentifier(wish.name)}`, signal)
    },
  }
}

/** Fingerprint of publications that were found. */
export const publicationsSeen = (found: ReadonlyMap<string, PublicationView>): string =>
  JSON.stringify([...found])

const PUBLISH_ALL = `publish = '${OPERATIONS.join(', ')}'`

/** What makes a publication as it is wanted; none where it is somebody else's. */
export function publicationStatements(wish: PublicationWish): readonly string[] {
  return wish.management === 'External' ? [] : [createStatement(wish), markStatement(wish)]
}

/** Without it, changes of partitions carry the partition's name, and the connector drops them. */
export const VIA_ROOT = 'publish_via_partition_root = true'

/** Tables as a statement on a publication lists them. */
export const tableList = (tables: readonly string[]): string =>
  tables
    .toSorted()
    .map((table) => table.split('.').map(quoteIdentifier).join('.'))
    .join(', ')

const createStatement = ({ name, tables }: PublicationWish): string =>
  `CREATE PUBLICATION ${quoteIdentifier(name)} FOR TABLE ${tableList(tables)} WITH (${VIA_ROOT})`

const markStatement = ({ name, owner }: PublicationWish): string =>
  `COMMENT ON PUBLICATION ${quoteIdentifier(name)} IS ${quoteLiteral(owner)}`

function differences(view: PublicationView, wish: PublicationWish): readonly Change[] {
  const missing = wish.tables.filter((table) => !view.tables.includes(table))
  if (wish.management === 'External') {
    if (missing.length === 0) return []
    const name = quoteIdentifier(wish.name)
    // Without it a partitioned table is listed by its partitions only.
    const root = view.viaRoot ? '' : ` (if they are partitioned: ALTER PUBLICATION ${name} SET (${VIA_ROOT}))`
    const message = `publication ${wish.name} lacks ${missing.join(', ')}: ALTER PUBLICATION ${name} ADD TABLE ${tableList(missing)}${root}`
    return [{ what: 'tables', refused: { reason: 'PublicationLacksTables', message } }]
  }
  if (view.comment !== wish.owner && wish.adoption === 'Refuse') {
    const message = `publication ${wish.name} exists and ${view.comment ? `belongs to ${view.comment}` : 'carries no mark of ours'}: drop it, name another in postgres.publication.name, or set adoptionPolicy to Adopt`
    return [{ what: 'owner', refused: { reason: 'NotOurs', message } }]
  }
  if (view.allTables) {
    const message = `publication ${wish.name} is FOR ALL TABLES and cannot be narrowed: drop it, or name another in postgres.publication.name`
    return [{ what: 'all tables', refused: { reason: 'PublicationForAllTables', message } }]
  }
  const extra = wish.others === 'Keep' ? [] : view.tables.filter((table) => !wish.tables.includes(table))
  return [
    ...(view.comment === wish.owner ? [] : [{ what: 'adopted' }]),
    ...(view.viaRoot ? [] : [{ what: VIA_ROOT }]),
    ...view.unpublished.map((operation) => ({ what: `publish ${operation}` })),
    ...[...view.filtered, ...view.columnLists].map((table) => ({ what: `all rows and columns of ${table}` })),
    ...missing.map((table) => ({ what: `${table} added` })),
    ...extra.map((table) => ({ what: `${table} removed` })),
  ]
}

/** 42501: the role may not. */
function refused(error: unknown, sql: string, verdict: (error: unknown) => never): never {
  if (isPostgresError(error, '42501')) {
    throw new Stalled(
      'PublicationNotPermitted',
      `${error.message}: let the owner of the tables run "${sql}" and set postgres.publication.managementPolicy to External, or give postgres.adminCredentialsSecretRef a role that may`,
    )
  }
  return verdict(error)
}
