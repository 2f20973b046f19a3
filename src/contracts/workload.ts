/** How a processor or gateway reaches Kafka; secrets are files, so that no configuration holds one. */
export interface KafkaAccess {
  readonly bootstrapServers: readonly string[]
  /** Present when the listener is TLS; paths of PEM files, and an absent `caFile` means the system's own roots. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    /** A folder with the files `username` and `password`. */
    readonly credentialsDir: string
  }
}

/** What one value of a column is; `encoded` is the base64 of a text, as Debezium writes types that it does not know. */
export type ScalarType =
  | 'bool'
  | 'int32'
  | 'int64'
  | 'decimal'
  | 'double'
  | 'string'
  | 'encoded'
  | 'json'
  | 'bytes'
  | 'time'

/** What a column holds, as far as readers must know it: how a JSON value is to be read and written on the wire. */
export type ColumnType = ScalarType | `${ScalarType}[]`

/** A topic that a flow or a view reads. */
export interface TopicInput {
  /** The input's or flow's name in the Pipeline. */
  readonly name: string
  readonly topic: string
  /** Debezium: an envelope as a Debezium source writes it. Row: what our own flows write (see row.ts). */
  readonly format: 'Debezium' | 'Row'
  /** Names of the key's fields, in order; empty where unknown: then the key object's own order counts. */
  readonly key: readonly string[]
  /** Types of the columns; absent where they are unknown: then every value is taken as JSON says. */
  readonly columns?: Readonly<Record<string, ColumnType>>
  /** Changes with the identity of the source; part of a view's epoch. */
  readonly epoch: string
}

/** Lag of one hop, as its own reader measures it. */
export interface HopLag {
  /** Records not yet past this hop. */
  readonly records: number
  /** Now minus the Kafka timestamp of the oldest record not yet past this hop; 0 when nothing waits. */
  readonly seconds: number
}

/** One flow or view in the answer of `GET /status`. */
export interface UnitStatus {
  readonly name: string
  /** Starting: reading state or a snapshot. Running: live. Failed: tried again by itself, see `error`. */
  readonly state: 'Starting' | 'Running' | 'Failed'
  readonly lag: HopLag
  /** Records skipped because they could not be read. */
  readonly skipped: number
  readonly error?: string
}

/** The answer of `GET /status` of a processor (units are flows) and of a gateway (units are views). */
export interface WorkloadStatus {
  readonly role: 'processor' | 'gateway'
  readonly version: string
  /** Hash of the configuration that this process runs (see {@link ProcessorConfig} and {@link GatewayConfig}). */
  readonly hash: string
  readonly units: readonly UnitStatus[]
  /** Open client connections; a gateway only. */
  readonly connections?: number
}
