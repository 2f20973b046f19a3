import {
  type ClientFrame,
  PROTOCOL_VERSION,
  parseServerFrame,
  retryOfClose,
  type ServerFrame,
} from '@penstock/protocol'

import { type Effect, type Event, IGNORED, type Limit, type State, TABLE } from './machine.ts'

/** An open or opening socket. */
export interface Socket {
  send(text: string): void
  close(): void
}

/** What a socket reports. */
export interface SocketHandlers {
  onOpen(): void
  onText(text: string): void
  /** Called once, also when it could not be opened; `code` is the WebSocket's close code. */
  onClose(code: number): void
}

/** Surroundings of a connection; the browser's own by default. */
export interface Surroundings {
  readonly open: (url: string, handlers: SocketHandlers) => Socket
  readonly setTimer: (run: () => void, ms: number) => () => void
  readonly random: () => number
  readonly now: () => number
}

/** What a connection reports to. */
export interface ConnectionHandlers {
  readonly token: () => Promise<string | undefined>
  readonly onState: (state: State) => void
  /** The connection is welcome: subscribe to everything. */
  readonly onLive: () => void
  readonly onFrame: (frame: ServerFrame) => void
}

/** A connection to one gateway that comes back by itself. */
export interface Connection {
  readonly state: () => State
  /** Events that were ignored in their state. */
  readonly ignored: () => number
  post(event: Event): void
  /** Sends when the connection is live, else nothing: everything is asked for again once it is. */
  send(frame: ClientFrame): void
}

const HANDSHAKE_MS = 10_000
const PONG_MS = 10_000
const LOOP_MS = 30_000
const BACKOFF = { base: 250, cap: 20_000 }
/** A token is replaced when this part of its life is over. */
const REFRESH_AT = 0.8
const CLOSED = { never: 'closedNever', backoff: 'closedBackOff', now: 'closedNow' } as const

/** Runs the table of machine.ts on real sockets and timers. */
export function createConnection(
  url: string,
  handlers: ConnectionHandlers,
  around: Surroundings,
): Connection {
  let state: State = 'Idle'
  let ignored = 0
  let attempt = 0
  let pingMs = 25_000
  let drainMs = 0
  let current: Socket | undefined
  let former: Socket | undefined
  let cancelLimit = () => {}
  let cancelPing = () => {}
  let cancelRefresh = () => {}

  const post = (event: Event): void => {
    const cell = TABLE[state][event]
    if (cell === IGNORED) {
      ignored++
      return
    }
    cancelLimit()
    const moved = state !== cell.to
    state = cell.to
    for (const effect of cell.effects) EFFECTS[effect]()
    if (cell.limit) cancelLimit = around.setTimer(() => post('late'), limitMs(cell.limit))
    if (moved) handlers.onState(state)
  }
  const limitMs = (limit: Limit): number => {
    switch (limit) {
      case 'handshake':
        return HANDSHAKE_MS
      case 'drain':
        return drainMs * around.random()
      case 'loop':
        return LOOP_MS
      case 'backoff':
        return Math.min(BACKOFF.cap, BACKOFF.base * 2 ** Math.min(attempt++, 16)) * around.random()
    }
  }
  const drop = () => {
    cancelPing()
    cancelRefresh()
    const open = [current, former]
    current = undefined
    former = undefined
    for (const socket of open) socket?.close()
  }
  const dropFormer = () => {
    const old = former
    former = undefined
    old?.close()
  }
  const dial = () => {
    dropFormer()
    former = current
    const socket: Socket = around.open(url, {
      onOpen: () => {
        if (socket === current) post('open')
      },
      onText: (text) => {
        if (socket === current || socket === former) receive(text)
      },
      // What becomes of a former socket means nothing any more.
      onClose: (code) => {
        if (socket !== current) return
        current = undefined
        post(CLOSED[retryOfClose(code)])
      },
    })
    current = socket
  }
  const transmit = (frame: ClientFrame) => current?.send(JSON.stringify(frame))
  const hello = async () => {
    const socket = current
    const token = await handlers.token().catch(() => undefined)
    if (socket === current)
      transmit({ t: 'hello', v: PROTOCOL_VERSION, client: 'penstock-js', ...(token ? { token } : {}) })
  }
  const ping = () => {
    cancelPing()
    transmit({ t: 'ping', n: Math.floor(around.now()) })
    cancelLimit()
    cancelLimit = around.setTimer(() => post('late'), PONG_MS)
  }
  const refresh = async () => {
    const token = await handlers.token().catch(() => undefined)
    if (token && state === 'Live') transmit({ t: 'auth', token })
  }
  const EFFECTS: Readonly<Record<Effect, () => void>> = {
    dial,
    drop,
    hello: () => void hello(),
    subscribe: () => {
      attempt = 0
      dropFormer()
      cancelPing = around.setTimer(ping, pingMs)
      handlers.onLive()
    },
    ping,
  }
  const receive = (text: string): void => {
    const parsed = parseServerFrame(text)
    if (parsed.type !== 'Frame') {
      ignored++
      return
    }
    const { frame } = parsed
    if (frame.t === 'welcome') {
      pingMs = frame.pingMs
      if (frame.exp !== undefined)
        cancelRefresh = around.setTimer(() => void refresh(), (frame.exp - around.now()) * REFRESH_AT)
      post('welcome')
    } else if (frame.t === 'pong') {
      cancelLimit()
      cancelPing = around.setTimer(ping, pingMs)
    } else if (frame.t === 'drain') {
      drainMs = frame.afterMs
      post('drain')
    } else handlers.onFrame(frame)
  }

  return {
    state: () => state,
    ignored: () => ignored,
    post,
    send: (frame) => {
      if (state === 'Live' || state === 'Draining') transmit(frame)
    },
  }
}
