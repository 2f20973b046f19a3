import {
  bool,
  keys,
  name,
  object,
  oneOf,
  optional,
  type Parsed,
  parseWith,
  partitions,
  positive,
  rows,
  selector,
  text,
  whole,
} from './check.ts'
import { ERROR_RETRY, MAX_INBOUND_BYTES, MAX_OUTBOUND_BYTES } from './codes.ts'
import type { ClientFrame, ErrorCode, Mode, ResetReason, Retry, ServerFrame } from './frames.ts'

const MODES: readonly Mode[] = ['Latest', 'All']
const RETRIES: readonly Retry[] = ['never', 'backoff', 'now']
const ERRORS = Object.keys(ERROR_RETRY) as readonly ErrorCode[]
const REASONS: readonly ResetReason[] = [
  'token',
  'epoch',
  'claims',
  'policy',
  'too-old',
  'ahead',
  'too-big',
  'gap',
  'behind',
]

/** Reads a frame of a client: at most 16 KiB; fields that are not known are left out. Never throws. */
export function parseClientFrame(frame: string): Parsed<ClientFrame> {
  return parseWith<ClientFrame>(frame, MAX_INBOUND_BYTES, {
    hello: (f) => ({
      t: 'hello',
      v: whole(f, 'v'),
      ...optional(f, 'token', text),
      ...optional(f, 'client', name),
    }),
    sub: (f) => ({
      t: 'sub',
      id: name(f, 'id'),
      view: name(f, 'view'),
      ...selector(f),
      ...optional(f, 'mode', (fields, field) => oneOf(fields, field, MODES)),
      ...optional(f, 'maxHz', positive),
      ...optional(f, 'resume', text),
    }),
    track: (f) => ({ t: 'track', id: name(f, 'id'), add: keys(f, 'add'), drop: keys(f, 'drop') }),
    unsub: (f) => ({ t: 'unsub', id: name(f, 'id') }),
    auth: (f) => ({ t: 'auth', token: text(f, 'token') }),
    ping: (f) => ({ t: 'ping', n: whole(f, 'n') }),
  })
}

/** Reads a frame of a gateway: at most 64 KiB; fields that are not known are left out. Never throws. */
export function parseServerFrame(frame: string): Parsed<ServerFrame> {
  return parseWith<ServerFrame>(frame, MAX_OUTBOUND_BYTES, {
    welcome: (f) => ({
      t: 'welcome',
      v: whole(f, 'v'),
      session: name(f, 'session'),
      pingMs: positive(f, 'pingMs'),
      limits: limits(object(f, 'limits')),
      ...optional(f, 'exp', whole),
    }),
    snap: (f) => ({
      t: 'snap',
      id: name(f, 'id'),
      rows: rows(f, 'rows'),
      last: bool(f, 'last'),
      ...(f['last'] === true ? { token: text(f, 'token') } : {}),
    }),
    d: (f) => ({ t: 'd', id: name(f, 'id'), rows: rows(f, 'rows'), ...optional(f, 'token', text) }),
    progress: (f) => ({ t: 'progress', id: name(f, 'id'), ts: whole(f, 'ts'), token: text(f, 'token') }),
    reset: (f) => ({ t: 'reset', id: name(f, 'id'), reason: oneOf(f, 'reason', REASONS), ...partitions(f) }),
    drain: (f) => ({ t: 'drain', afterMs: whole(f, 'afterMs') }),
    err: (f) => ({
      t: 'err',
      ...optional(f, 'id', name),
      code: oneOf(f, 'code', ERRORS),
      retry: oneOf(f, 'retry', RETRIES),
      ...optional(f, 'afterMs', whole),
      ...optional(f, 'message', text),
    }),
    pong: (f) => ({ t: 'pong', n: whole(f, 'n') }),
  })
}

const limits = (f: Parameters<typeof whole>[0]) => ({
  keys: whole(f, 'keys'),
  subs: whole(f, 'subs'),
  frame: whole(f, 'frame'),
})
