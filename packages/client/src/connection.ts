import {
  type ClientFrame,
  PROTOCOL_VERSION,
  parseServerFrame,
  retryOfClose,
  type ServerFrame,
  type WelcomeFrame,
} from '@penstock/protocol'

import { type Effect, type Event, IGNORED, type Limit, type State, TABLE } from './machine.ts'
import { createSockets, type Socket, type SocketHandlers } from './sockets.ts'

/** Surroundings of a connection; the browser's own by default. */
export interface Surroundings {
  readonly open: (url: string, handlers: SocketHandlers) => Socket
  /** Calls `run` after `ms`; gives the way to call it off. */
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
  /** Events that were ignored in their state, and frames that could not be read. */
  readonly ignored: () => number
  post(event: Event): void
  /** Sends when the connection is live, else nothing: everything is asked for again once it is. */
  send(frame: ClientFrame): void
}

const PONG_MS = 10_000
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
  const limits = createLimits(around, () => post('late'))

  const post = (event: Event): void => {
    const cell = TABLE[state][event]
    if (cell === IGNORED) {
      ignored++
      return
    }
    limits.clear()
    const moved = state !== cell.to
    state = cell.to
    for (const effect of cell.effects) effects[effect]()
    if (cell.limit) limits.begin(cell.limit)
    if (moved) handlers.onState(state)
  }
  const receive = (text: string): void => {
    const parsed = parseServerFrame(text)
    if (parsed.type !== 'Frame') ignored++
    else if (parsed.frame.t === 'welcome') {
      life.welcome(parsed.frame)
      post('welcome')
    } else if (parsed.frame.t === 'pong') life.pong()
    else if (parsed.frame.t === 'drain') {
      limits.drainWithin(parsed.frame.afterMs)
      post('drain')
    } else handlers.onFrame(parsed.frame)
  }
  const sockets = createSockets((socketHandlers) => around.open(url, socketHandlers), {
    onOpen: () => post('open'),
    onText: receive,
    onClose: (code) => post(CLOSED[retryOfClose(code)]),
  })
  const transmit = (frame: ClientFrame) => sockets.send(JSON.stringify(frame))
  const withToken = (use: (token: string | undefined) => void) => {
    const asked = sockets.generation()
    const answer = (token: string | undefined) => {
      if (sockets.generation() === asked) use(token)
    }
    handlers.token().then(answer, () => answer(undefined))
  }
  const life = createLife(around, {
    ping: () => effects.ping(),
    pong: limits.clear,
    refresh: () => withToken((token) => token && transmit({ t: 'auth', token })),
  })
  const effects: Readonly<Record<Effect, () => void>> = {
    dial: sockets.dial,
    drop: () => {
      life.end()
      sockets.drop()
    },
    hello: () =>
      withToken((token) =>
        transmit({ t: 'hello', v: PROTOCOL_VERSION, client: 'penstock-js', ...(token ? { token } : {}) }),
      ),
    subscribe: () => {
      limits.wasHealthy()
      sockets.dropFormer()
      handlers.onLive()
    },
    ping: () => {
      transmit({ t: 'ping', n: Math.floor(around.now()) })
      limits.clear()
      limits.beginFor(PONG_MS)
    },
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

const HANDSHAKE_MS = 10_000
const LOOP_MS = 30_000
const BACKOFF = { base: 250, cap: 20_000 }

/** The time limit of the present state; `late` is called when it is over. */
function createLimits({ setTimer, random }: Surroundings, late: () => void) {
  let cancel = () => {}
  let attempt = 0
  let drainMs = 0
  const beginFor = (ms: number) => {
    cancel = setTimer(late, ms)
  }
  const lengthOf = (limit: Limit): number => {
    switch (limit) {
      case 'handshake':
        return HANDSHAKE_MS
      case 'drain':
        return drainMs * random()
      case 'loop':
        return LOOP_MS
      case 'backoff':
        return Math.min(BACKOFF.cap, BACKOFF.base * 2 ** Math.min(attempt++, 16)) * random()
    }
  }
  return {
    begin: (limit: Limit) => beginFor(lengthOf(limit)),
    beginFor,
    clear: () => cancel(),
    drainWithin: (ms: number) => {
      drainMs = ms
    },
    /** Waits begin small again. */
    wasHealthy: () => {
      attempt = 0
    },
  }
}

/** Keeps a live connection alive: a ping when it was quiet for as long as the gateway says, a token before it expires. */
function createLife(
  { setTimer, now }: Surroundings,
  act: { readonly ping: () => void; readonly pong: () => void; readonly refresh: () => void },
) {
  let pingMs = 25_000
  let cancelPing = () => {}
  let cancelRefresh = () => {}
  const nextPing = () => {
    cancelPing()
    cancelPing = setTimer(act.ping, pingMs)
  }
  return {
    welcome: (frame: WelcomeFrame) => {
      pingMs = frame.pingMs
      nextPing()
      cancelRefresh()
      if (frame.exp !== undefined) cancelRefresh = setTimer(act.refresh, (frame.exp - now()) * REFRESH_AT)
    },
    pong: () => {
      act.pong()
      nextPing()
    },
    end: () => {
      cancelPing()
      cancelRefresh()
    },
  }
}
