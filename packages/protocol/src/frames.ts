/** JSON as it goes over the wire. */
export type WireValue =
  | null
  | boolean
  | number
  | string
  | readonly WireValue[]
  | { readonly [key: string]: WireValue }

/** A row on the wire: column name to value; 64-bit integers and decimals are texts. */
export type WireRow = { readonly [column: string]: WireValue }

/**
 * One change of one key: `[key, row or null when it is gone, partition, offset, commit time in ms since 1970]`.
 * Offsets are compared within one partition and epoch only.
 */
export type RowChange = readonly [
  key: string,
  row: WireRow | null,
  partition: number,
  offset: number,
  ts: number,
]

/** Latest: the newest value per key. All: every event. */
export type Mode = 'Latest' | 'All'

/** What a subscription selects; `where` names indexed fields, and all of them must be equal. */
export type Selector =
  | { readonly keys: readonly string[] }
  | { readonly where: { readonly [field: string]: WireValue } }
  | { readonly all: true }

/** First frame of a client, within 10 s of the upgrade. */
export interface HelloFrame {
  readonly t: 'hello'
  readonly v: number
  readonly token?: string
  /** Name of the client software, for logs. */
  readonly client?: string
}

/** Asks for a view's rows and then their changes; `resume` is a token that this subscription was given earlier. */
export type SubFrame = {
  readonly t: 'sub'
  readonly id: string
  readonly view: string
  readonly mode?: Mode
  /** At most this many frames a second. */
  readonly maxHz?: number
  readonly resume?: string
} & Selector

/** Changes the keys of a subscription by keys. */
export interface TrackFrame {
  readonly t: 'track'
  readonly id: string
  readonly add: readonly string[]
  readonly drop: readonly string[]
}

/** Ends a subscription. */
export interface UnsubFrame {
  readonly t: 'unsub'
  readonly id: string
}

/** Replaces the token of this connection before it expires. */
export interface AuthFrame {
  readonly t: 'auth'
  readonly token: string
}

/** Sign of life; the gateway closes a connection that it has not heard of for `pingMs` and 10 s more. */
export interface PingFrame {
  readonly t: 'ping'
  readonly n: number
}

/** What a client sends. */
export type ClientFrame = HelloFrame | SubFrame | TrackFrame | UnsubFrame | AuthFrame | PingFrame

/** Limits of this gateway, as `welcome` names them. */
export interface WelcomeLimits {
  readonly keys: number
  readonly subs: number
  /** Bytes of one inbound frame. */
  readonly frame: number
}

/** The connection is open; `exp` is when the token expires, in ms since 1970 (absent: never). */
export interface WelcomeFrame {
  readonly t: 'welcome'
  readonly v: number
  readonly session: string
  readonly pingMs: number
  readonly limits: WelcomeLimits
  readonly exp?: number
}

/** Rows of a snapshot; the one with `last` ends it and carries the first token. */
export interface SnapFrame {
  readonly t: 'snap'
  readonly id: string
  readonly rows: readonly RowChange[]
  readonly last: boolean
  readonly token?: string
}

/** Changes. No token while a snapshot is still going on. */
export interface DeltaFrame {
  readonly t: 'd'
  readonly id: string
  readonly rows: readonly RowChange[]
  readonly token?: string
}

/** Nothing changed for this subscription up to `ts` (newest commit time of the view, ms since 1970). */
export interface ProgressFrame {
  readonly t: 'progress'
  readonly id: string
  readonly ts: number
  readonly token: string
}

/** Why rows are sent anew: see the table of token verdicts; `behind`: this reader was too slow. */
export type ResetReason =
  | 'token'
  | 'epoch'
  | 'claims'
  | 'policy'
  | 'too-old'
  | 'ahead'
  | 'too-big'
  | 'gap'
  | 'behind'

/**
 * What the client holds of these partitions is void. A snapshot of them follows; until it has ended, showing the old
 * rows is right. With `gap` (mode All) nothing follows: events were lost, and it goes on live.
 */
export type ResetFrame = {
  readonly t: 'reset'
  readonly id: string
  readonly reason: ResetReason
} & ({ readonly partitions: readonly number[] } | { readonly all: true })

/** This gateway stops: connect anew within `afterMs`, at a time of your own choice. */
export interface DrainFrame {
  readonly t: 'drain'
  readonly afterMs: number
}

/** Something was refused; with `id` it concerns that subscription only, which is then closed unless the code says not. */
export interface ErrFrame {
  readonly t: 'err'
  readonly id?: string
  readonly code: ErrorCode
  readonly retry: Retry
  readonly afterMs?: number
  /** One sentence for a person. */
  readonly message?: string
}

/** Answer to `ping`. */
export interface PongFrame {
  readonly t: 'pong'
  readonly n: number
}

/** What a gateway sends. */
export type ServerFrame =
  | WelcomeFrame
  | SnapFrame
  | DeltaFrame
  | ProgressFrame
  | ResetFrame
  | DrainFrame
  | ErrFrame
  | PongFrame

/** When to try again. */
export type Retry = 'never' | 'backoff' | 'now'

/** What an `err` frame or an answer by REST says. */
export type ErrorCode =
  | 'bad-frame'
  | 'bad-selector'
  | 'unknown-view'
  | 'view-unavailable'
  | 'forbidden'
  | 'too-many-keys'
  | 'too-many-subs'
  | 'too-many-cohorts'
  | 'too-large'
  | 'behind'
  | 'overloaded'
