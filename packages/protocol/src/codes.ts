import type { ErrorCode, Retry } from './frames.ts'

/** Version of this wire format. */
export const PROTOCOL_VERSION = 1

/** Largest frame of a client, bytes. */
export const MAX_INBOUND_BYTES = 16 * 1024

/** Largest frame of a gateway, bytes. */
export const MAX_OUTBOUND_BYTES = 64 * 1024

/** Most keys of one subscription, and of one `track`. */
export const MAX_KEYS = 500

/** Most rows of one `snap` or `d`. */
export const MAX_ROWS = 500

/** Longest id, view, key and field name, in UTF-16 units. */
export const MAX_NAME = 1_024

/** When an error may be tried again. */
export const ERROR_RETRY: Readonly<Record<ErrorCode, Retry>> = {
  'bad-frame': 'never',
  'bad-selector': 'never',
  'unknown-view': 'never',
  'view-unavailable': 'backoff',
  forbidden: 'never',
  'too-many-keys': 'never',
  'too-many-subs': 'never',
  'too-many-cohorts': 'backoff',
  'too-large': 'never',
  behind: 'now',
  overloaded: 'backoff',
}

/** Why a gateway closes a connection. */
export type CloseReason =
  | 'frame'
  | 'version'
  | 'token'
  | 'forbidden'
  | 'limits'
  | 'expired'
  | 'slow'
  | 'connections'
  | 'overloaded'
  | 'drain'
  | 'behind'

/** WebSocket close codes: 40xx never retry, 41xx back off, 42xx now. */
export const CLOSE_CODES: Readonly<Record<CloseReason, number>> = {
  frame: 4001,
  version: 4002,
  token: 4003,
  forbidden: 4004,
  limits: 4006,
  expired: 4101,
  slow: 4108,
  connections: 4109,
  overloaded: 4110,
  drain: 4200,
  behind: 4201,
}

/** When to connect again after a close; codes that are not ours (a lost network, a proxy) are backed off from. */
export function retryOfClose(code: number): Retry {
  if (code >= 4000 && code < 4100) return 'never'
  return code >= 4200 && code < 4300 ? 'now' : 'backoff'
}
