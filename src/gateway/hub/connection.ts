import {
  CLOSE_CODES,
  type ClientFrame,
  type CloseReason,
  MAX_INBOUND_BYTES,
  MAX_KEYS,
  PROTOCOL_VERSION,
  parseClientFrame,
  type ServerFrame,
} from '@penstock/protocol'

import type { Authenticate, AuthResult } from '../auth.ts'
import type { GatewayLimits } from '../limits.ts'
import type { GatewayMetrics } from '../metrics.ts'
import type { Claims } from '../policy.ts'
import { type Flushed, flushConnection } from './flush.ts'
import { errFrame } from './frames.ts'
import { createPlacements } from './placements.ts'
import type { ServedView } from './served.ts'
import type { Transport } from './transport.ts'

/** One client, from the upgrade to the end. */
export interface Connection {
  /** A text frame came in. */
  receive(text: string): void
  /** The transport has room again. */
  drained(): void
  /** The transport is gone. */
  closed(): void
  flush(now: number): Flushed
  /** Looks at all deadlines; called about once a second. */
  sweep(now: number): void
  send(frame: ServerFrame): void
  close(reason: CloseReason): void
}

/** What connections share. */
export interface ConnectionDeps {
  readonly views: ReadonlyMap<string, ServedView>
  readonly authenticate: Authenticate
  readonly limits: GatewayLimits
  readonly metrics: GatewayMetrics
  readonly now: () => number
  readonly session: string
  readonly wake: () => void
  readonly ended: () => void
}

type State =
  | { readonly type: 'Greeting' }
  | { readonly type: 'Open'; readonly claims: Claims; readonly exp: number | undefined }
  | { readonly type: 'Closed' }

/** A connection over a transport; frames are taken one after the other. */
export function createConnection(transport: Transport, deps: ConnectionDeps): Connection {
  const { limits, metrics, now } = deps
  const openedAt = now()
  let state: State = { type: 'Greeting' }
  let turn: Promise<void> = Promise.resolve()
  let queued = 0
  let heardAt = openedAt
  let stalledSince: number | undefined
  let progressAt = openedAt
  const woken = () => {
    if (stalledSince === undefined) deps.wake()
  }
  const placements = createPlacements({ ...deps, send, woken })

  function end(reason: CloseReason | 'cut' | 'left'): boolean {
    if (state.type === 'Closed') return false
    state = { type: 'Closed' }
    placements.end()
    metrics.closed(reason)
    deps.ended()
    return true
  }

  function close(reason: CloseReason): void {
    if (end(reason)) transport.close(CLOSE_CODES[reason], reason)
  }

  function cut(): void {
    if (end('cut')) transport.terminate()
  }

  function send(frame: ServerFrame): void {
    if (state.type === 'Closed') return
    // Answers are not conflated: a client that asks and does not read would pile them up.
    if (transport.buffered() >= limits.hardBytes) cut()
    else transport.send(JSON.stringify(frame))
  }

  function refuse(reason: CloseReason, message: string): void {
    send(errFrame(reason === 'token' ? 'forbidden' : 'bad-frame', message))
    close(reason)
  }

  function welcome({ exp, claims }: Extract<AuthResult, { readonly type: 'Accepted' }>): void {
    state = { type: 'Open', claims, exp }
    send({
      t: 'welcome',
      v: PROTOCOL_VERSION,
      session: deps.session,
      pingMs: limits.pingMs,
      limits: { keys: MAX_KEYS, subs: limits.subscriptions, frame: MAX_INBOUND_BYTES },
      ...(exp === undefined ? {} : { exp }),
    })
  }

  async function hello(frame: Extract<ClientFrame, { readonly t: 'hello' }>): Promise<void> {
    if (frame.v !== PROTOCOL_VERSION) {
      return refuse('version', `this gateway speaks version ${PROTOCOL_VERSION}, not ${frame.v}`)
    }
    const result = await deps.authenticate(frame.token)
    if ((state as State).type === 'Closed') return
    if (result.type === 'Refused') return refuse('token', result.message)
    if (result.type === 'Unavailable') {
      send(errFrame('overloaded', result.message))
      return close('overloaded')
    }
    welcome(result)
  }

  /** A refreshed token; subscriptions whose cohort it changes are read anew. */
  async function refresh(token: string): Promise<void> {
    const result = await deps.authenticate(token)
    if (state.type !== 'Open') return
    if (result.type === 'Refused') return refuse('token', result.message)
    if (result.type === 'Unavailable') return send(errFrame('overloaded', result.message, undefined, 5_000))
    welcome(result)
    await placements.changeClaims(result.claims)
  }

  async function take(text: string): Promise<void> {
    if (state.type === 'Closed') return
    const parsed = parseClientFrame(text)
    if (parsed.type === 'Bad')
      return refuse(parsed.reason === 'TooLarge' ? 'limits' : 'frame', parsed.message)
    if (parsed.type === 'Unknown') return refuse('frame', `there is no frame "${parsed.t.slice(0, 64)}"`)
    const { frame } = parsed
    if (state.type === 'Greeting') {
      return frame.t === 'hello' ? hello(frame) : refuse('frame', 'the first frame must be hello')
    }
    switch (frame.t) {
      case 'hello':
        return refuse('frame', 'hello was said already')
      case 'sub':
        return placements.subscribe(frame, state.claims)
      case 'track':
        return placements.track(frame.id, frame.add, frame.drop)
      case 'unsub':
        return placements.remove(frame.id)
      case 'auth':
        return refresh(frame.token)
      case 'ping':
        return send({ t: 'pong', n: frame.n })
    }
  }

  function sendProgress(at: number): void {
    progressAt = at
    for (const { subscription } of placements.all()) {
      const frame = subscription.progress()
      if (frame) transport.send(frame.text)
    }
  }

  return {
    send,
    close,
    receive(text) {
      heardAt = now()
      if (queued >= limits.inboundQueue) return refuse('limits', 'too many frames at once')
      queued += 1
      turn = turn
        .then(() => take(text))
        .finally(() => {
          queued -= 1
        })
    },
    drained() {
      if (stalledSince === undefined || transport.buffered() >= limits.highWaterBytes) return
      stalledSince = undefined
      deps.wake()
    },
    closed: () => void end('left'),
    flush(at) {
      if (state.type === 'Closed') return { type: 'Idle' }
      const flushed = flushConnection(placements.awake, transport, limits, at, (subscription, frame) =>
        metrics.sent(subscription.view, frame, at),
      )
      if (flushed.type === 'TooSlow') close('slow')
      stalledSince = flushed.type === 'Blocked' ? (stalledSince ?? at) : undefined
      return flushed
    },
    sweep(at) {
      if (state.type === 'Greeting' && at - openedAt > limits.helloMs)
        return refuse('frame', 'there was no hello')
      if (state.type === 'Open' && state.exp !== undefined && at >= state.exp) return close('expired')
      if (at - heardAt > limits.pingMs + 10_000 || transport.buffered() >= limits.hardBytes) return cut()
      if (stalledSince !== undefined && at - stalledSince > limits.stalledMs) return close('slow')
      const held = [...placements.all()].some(
        ({ subscription }) => (subscription.holdDeadline() ?? Number.POSITIVE_INFINITY) < at,
      )
      if (held) return close('behind')
      if (stalledSince === undefined && at - progressAt > limits.progressMs) sendProgress(at)
    },
  }
}
