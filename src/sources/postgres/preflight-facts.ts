import type { SourceSpec } from '../../api/source/index.ts'
import type { TableShape } from '../type.ts'
import type { ColumnFacts, PublisherFacts, ServerFacts } from './facts.ts'
import type { PublicationWish } from './publication.ts'
import type { DatabaseView, PublicationView, TableView } from './queries.ts'

/** What preflight looks at. */
export interface PreflightFacts {
  readonly spec: SourceSpec
  readonly role: string
  readonly slot: string
  readonly server: ServerFacts
  /** Slots of Sources that are known here. */
  readonly ourSlots: ReadonlySet<string>
  readonly database: DatabaseView
  readonly publication: { readonly wish: PublicationWish; readonly view: PublicationView | undefined }
  readonly publisher: PublisherFacts
  readonly tables: readonly TableView[]
  readonly columns: readonly ColumnFacts[]
  readonly shapes: ReadonlyMap<string, TableShape>
}
