import type { Source, SourceSpec, SourceStatus, SourceTable } from '../api/source/index.ts'
import type { ConnectOffset, ConnectorView } from '../clients/connect.ts'
import type { KafkaAdmin, KafkaConnection, KafkaLog } from '../clients/kafka/types.ts'
import type { ClientPool } from '../clients/pool.ts'
import type { ColumnType } from '../contracts/workload.ts'
import type { ConnectorContext } from '../external/connector.ts'
import type { ExternalResource, Health, PlannedRemoval, ResourceId, Stage } from '../external/contract.ts'
import type { KnownFailure } from '../external/failures.ts'
import type { SharedPolls } from '../external/polls.ts'
import type { History } from '../lag/board.ts'
import type { Trail } from '../lag/trail.ts'
import type { CopyProgress } from './copies/progress.ts'
import type { Finding } from './preflight.ts'

/** A type of source: everything that differs between databases. The Source controller knows no type by name. */
export interface SourceType {
  readonly type: SourceSpec['type']
  /** What of its server this Source needs for itself; known without asking anybody. Never throws. */
  claims(source: Source): readonly Claim[]
  /** What a trace of its connector may tell of. */
  readonly failures: readonly KnownFailure[]
  /** The statement by which a person takes this away; undefined where it is no thing of this type. */
  byHand(source: Source, id: ResourceId): string | undefined
  /** Binds the type to one Source; throws a verdict when a Secret is missing. Connects to nothing yet. */
  open(context: SourceContext, signal: AbortSignal): Promise<SourceDatabase>
}

/** Something of a server that only one Source can have. */
export interface Claim {
  readonly id: ResourceId
  /** The server as the spec names it; two names may be one server. */
  readonly server: string
  /** Why a second Source is Stalled. */
  readonly reason: string
}

/** An address that stands in for the one of the spec, or for a part of it. */
export interface Reach {
  readonly host?: string
  readonly port?: number
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
  /** What was measured of this Source in the last two minutes. */
  readonly history: History
  /** What its status shows now. */
  readonly shown: () => SourceStatus | undefined
  /** Sources that claim this, on whatever server. */
  readonly claiming: (id: ResourceId) => readonly Source[]
  /** Where this process reaches the database, if elsewhere than the connector does: through a forwarded port. */
  readonly reach?: Reach
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
  /** Seconds for which this topic, which exists and has got no record; a look at most 5 s old. */
  readonly silenceOf: (topic: string, limitSeconds: number, signal: AbortSignal) => Promise<number>
  /** Where the log of a database server, named by its address, has been. */
  readonly trail: (server: string) => Trail
  /** Takes figures between reconciles; answers with what the status says of them. */
  readonly note: (figures: SourceFigures) => string
  readonly kafka: SourceKafka
  /** The Source's connector; undefined where there is none. */
  readonly connector: (signal: AbortSignal) => Promise<ConnectorView | undefined>
  /** Runs a long act on the connector, and no other beside it; throws Waiting while it runs on. */
  readonly detached: (what: string, act: (signal: AbortSignal) => Promise<void>) => Promise<void>
  /** Stops the connector, runs something, and then forgets its stored position: its next start is a first one. */
  readonly forgetPosition: (
    meanwhile: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ) => Promise<void>
  /** Runs something while the connector hands nothing on. */
  readonly whilePaused: (work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) => Promise<void>
}

/** The Kafka that a Source's topics are in. */
export interface SourceKafka {
  readonly admin: KafkaAdmin
  readonly log: KafkaLog
  /** Names it among polls. */
  readonly address: string
  readonly connection: KafkaConnection
  /** Settings of Kafka's own clients that log in as we do, secrets as references. */
  readonly clientSettings: Readonly<Record<string, string>>
}

/** The tables of a Source as they are to be captured now. */
export interface Captured {
  /** Each with its own name: patterns are resolved. */
  readonly tables: readonly SourceTable[]
  /** What tells the connector so. */
  readonly settings: Readonly<Record<string, string>>
  /** Names of tables that wait until the first snapshot, which a change would begin anew, is over. */
  readonly held: readonly string[]
}

/** One Source's database. */
export interface SourceDatabase {
  /** What the position belongs to, whatever the host is called. */
  identity(signal: AbortSignal): Promise<string>
  /** Everything that would keep it from working or surprise its readers, all at once. */
  preflight(signal: AbortSignal): Promise<readonly Finding[]>
  /** Columns and keys of the Source's tables that exist. */
  tables(signal: AbortSignal): Promise<ReadonlyMap<string, TableShape>>
  /** Which tables are captured now; throws a verdict where a pattern cannot be resolved. */
  captured(signal: AbortSignal): Promise<Captured>
  /** Stages before and after the connector, its settings, further topics, and what stands in the ledger before it. */
  plan(captured: Captured): SourcePlan
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
  /** Stages after the connector. */
  readonly after: readonly Stage[]
  /** How far the copies of tables are, from what driving the plan saw; undefined: nobody has looked. */
  readonly progress: (observed: ReadonlyMap<string, unknown>) => CopyProgress | undefined
  readonly ledger: readonly PlannedRemoval[]
  /** Each of the ledger's own, to take it away. */
  readonly removers: readonly ExternalResource[]
  /** What would be run on the database, for a person to read. */
  readonly statements: readonly string[]
  readonly settings: Readonly<Record<string, string>>
  /** The oldest version of the connector's plugin that knows the settings, such as 3.4. */
  readonly oldestPlugin: string
  /** Values that must not show anywhere. */
  readonly secrets: readonly string[]
  /** Whether this is how the database's refusal of a login reads in what Connect's validation says. */
  readonly refusesLogin: (message: string) => boolean
  readonly topics: readonly { readonly name: string; readonly policy: 'Latest' | 'History' }[]
  /** Reasons of a stage that is Stalled because rows are gone: the connector, which would skip them, is stopped. */
  readonly losses: readonly string[]
  /**
   * Throws a verdict when a start would skip rows. Stopped: make the connector stopped, for Connect shows offsets of an
   * earlier one of its name only then, and they have to be judged before it runs.
   */
  readonly beforeStart: ConnectorContext['beforeStart']
}

/** How far behind a source is. */
export interface SourceFigures {
  /** Seconds since the commit of the oldest change that is not known to be delivered; 0 while nothing has to be. */
  readonly seconds: number | undefined
  readonly unconfirmedBytes: number | undefined
  readonly retainedBytes: number | undefined
  /** Log that may still be written before what it needs can be lost; undefined where nothing bounds it. */
  readonly safeBytes: number | undefined
  /** Transactions whose rows of the catalogue are kept from vacuum for it. */
  readonly catalogAge: number | undefined
  /** Where it has confirmed the log to, in bytes. */
  readonly confirmedPosition: number | undefined
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
