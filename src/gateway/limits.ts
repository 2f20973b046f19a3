/** Bounds of a gateway; what happens at each is said beside it. */
export interface GatewayLimits {
  /** Open connections; one more is closed with 4109. */
  readonly connections: number
  /** Subscriptions of a connection; one more is `too-many-subs`. */
  readonly subscriptions: number
  /** Keys of all subscriptions of a connection; more are `too-many-keys`. */
  readonly connectionKeys: number
  /** Frames of one connection that wait for their turn; one more closes it with 4006. */
  readonly inboundQueue: number
  /** Cohorts of a view whose policy reads rows; one more is `too-many-cohorts`. */
  readonly cohorts: number
  /** Keys that one subscription may owe; beyond, it is reset with `behind`. */
  readonly dirtyKeys: number
  /** Rows that a resume may send; beyond, the partition is reset with `too-big`. */
  readonly resumeRows: number
  /** Events that a view of mode All keeps; the oldest goes, and who needed it is reset with `gap`. */
  readonly ringEvents: number
  /** Bytes of those events. */
  readonly ringBytes: number
  /** Bytes unsent of a connection above which nothing more is put in: its subscriptions conflate. */
  readonly highWaterBytes: number
  /** Bytes unsent at which a connection is cut off (answers to pings that nobody reads). */
  readonly hardBytes: number
  /** A connection without room for so long is closed with 4108. */
  readonly stalledMs: number
  /** From the upgrade to `hello`; then 4001. */
  readonly helloMs: number
  /** Asked from clients; one that is silent for 10 s more is cut off. */
  readonly pingMs: number
  /** How long this pod may be behind a client's token before it closes with 4201. */
  readonly holdMs: number
  /** A subscription without changes gets a token so often. */
  readonly progressMs: number
  /** Least time between two flushes, so that changes that come together leave together. */
  readonly tickMs: number
  /** How long a client may be away and still resume past deletes; see floors.ts. */
  readonly maxOfflineMs: number
}

/** The bounds of a gateway as it is deployed. */
export const LIMITS: GatewayLimits = {
  connections: 10_000,
  subscriptions: 128,
  connectionKeys: 5_000,
  inboundQueue: 256,
  cohorts: 256,
  dirtyKeys: 10_000,
  resumeRows: 10_000,
  ringEvents: 10_000,
  ringBytes: 16 * 1024 * 1024,
  highWaterBytes: 64 * 1024,
  hardBytes: 1024 * 1024,
  stalledMs: 10_000,
  helloMs: 10_000,
  pingMs: 25_000,
  holdMs: 10_000,
  progressMs: 30_000,
  tickMs: 4,
  maxOfflineMs: 60 * 60_000,
}
