import type { Source, SourceSpec, SourceStatus } from '../api/source/index.ts'
import type { ConnectOffset, ConnectorView } from '../clients/connect.ts'
import type { ClientPool } from '../clients/pool.ts'
import type { ColumnType } from '../contracts/workload.ts'
import type { ExternalResource, Health, PlannedRemoval, Stage } from '../external/contract.ts'
import type { SharedPolls } from '../external/polls.ts'
import type { Trail } from '../lag/trail.ts'
import type { Preflight } from './preflight.ts'

/** A type of source: everything that differs between databases. The Source controller knows no type by name. */
export interface SourceType {
  readonly type: SourceSpec['type']
  /** Binds the type to one Source; throws a verdict when a Secret is missing. Connects to nothing yet. */
  open(context: SourceContext, signal: AbortSignal): Promise<SourceDatabase>
}

/** What a type of source works with. */
export interface SourceContext {
  readonly source: Source
  readonly owner: string
  readonly topicPrefix: string
  readonly polls: SharedPolls
  readonly pool: ClientPool
  readonly user: string
  readonly now: () => number
  /** The data of a Secret of the Source's namespace; throws Waiting SecretNotFound. */
  readonly secret: (
    name: string,
    keys: readonly string[],
    signal: AbortSignal,
  ) => Promise<Readonly<Record<string, string>>>
  /** How a connector's setting refers to a key of a Secret. */
  readonly secretReference: (name: string, key: string, value: string) => string
  /** Stored offsets of the Source's connector, asked for after `after` (ms since 1970); undefined where there is no connector. */
  readonly offsets: (signal: AbortSignal, after?: number) => Promise<readonly ConnectOffset[] | undefined>
  /** Milliseconds after which Connect has stored a position (offset.flush.interval.ms of its workers). */
  readonly offsetFlushMs: number
  /** Seconds for which this topic, which exists and has one partition, has got no record; a look at most 5 s old. */
  readonly silenceOf: (topic: string, limitSeconds: number, signal: AbortSignal) => Promise<number>
  /** Where the log of a database, named by its address, has been. */
  readonly trail: (database: string) => Trail
  /** Takes figures between reconciles; answers with what the status says of them. */
  readonly note: (figures: SourceFigures) => string
}

/** One Source's database. */
export interface SourceDatabase {
  /** What the position belongs to, whatever the host is called. */
  identity(signal: AbortSignal): Promise<string>
  /** Everything that would keep it from working, all at once; Ready when nothing does. */
  preflight(signal: AbortSignal): Promise<Preflight>
  /** Columns and keys of the Source's tables that exist. */
  tables(signal: AbortSignal): Promise<ReadonlyMap<string, TableShape>>
  /** Stages before the connector, its settings, further topics that it writes, and what stands in the ledger before it. */
  plan(): SourcePlan
  /** What the source side says of a connector that Connect calls RUNNING. Pure over the last sample. */
  judge(sample: SourceSample, view: ConnectorView): Health
  sample(signal: AbortSignal): Promise<SourceSample>
}

/** A table as readers must know it. */
export interface TableShape {
  /** Columns that identify a row, in order; empty when there are none. */
  readonly key: readonly string[]
  readonly columns: Readonly<Record<string, ColumnType>>
}

/** What a type of source adds to the plan. */
export interface SourcePlan {
  readonly stages: readonly Stage[]
  readonly ledger: readonly PlannedRemoval[]
  /** Each of the ledger's own, to take it away. */
  readonly removers: readonly ExternalResource[]
  readonly settings: Readonly<Record<string, string>>
  readonly topics: readonly { readonly name: string; readonly policy: 'Latest' | 'History' }[]
  /** Throws a verdict when a start would skip rows. */
  readonly beforeStart: (signal: AbortSignal) => Promise<void>
}

/** How far behind a source is. */
export interface SourceFigures {
  /** Seconds since the commit of the oldest change that is not known to be delivered; 0 while nothing has to be. */
  readonly seconds: number | undefined
  readonly unconfirmedBytes: number | undefined
  readonly retainedBytes: number | undefined
}

/** One look at how far a source is. */
export interface SourceSample {
  readonly figures: SourceFigures
  /** Seconds for which no heartbeat has reached Kafka, and within which a healthy source sends one; undefined before it streams. */
  readonly silence: { readonly seconds: number; readonly limit: number } | undefined
  readonly snapshot: 'Pending' | 'Running' | 'Completed'
  /** Whether a reader is connected to the database's log. */
  readonly connected: boolean
  /** Own conditions of the type, such as SlotHealthy. */
  readonly conditions: readonly { readonly type: string; readonly health: Health }[]
  /** Own fields of the status, such as slot. */
  readonly status: Partial<SourceStatus>
}
