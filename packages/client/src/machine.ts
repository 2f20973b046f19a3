/** Where a connection is. */
export type State = 'Idle' | 'Connecting' | 'Hello' | 'Live' | 'Draining' | 'Waiting' | 'Offline' | 'Stopped'

/** What can happen to it. Closes are told apart by when to try again; `late` is the state's own time limit. */
export type Event =
  | 'start'
  | 'open'
  | 'welcome'
  | 'drain'
  | 'closedNever'
  | 'closedBackOff'
  | 'closedNow'
  | 'late'
  | 'loop'
  | 'offline'
  | 'online'
  | 'visible'
  | 'stop'

/** What is to be done on the way into the next state. */
export type Effect =
  /** Open a socket; one that still delivers is kept until the new one is welcome. */
  | 'dial'
  /** Close every socket. */
  | 'drop'
  | 'hello'
  | 'subscribe'
  /** Ask for a sign of life; `late` happens when none comes within 10 s. */
  | 'ping'

/** How long a state may last before `late` happens; absent: for ever. */
export type Limit = 'handshake' | 'drain' | 'backoff' | 'loop'

/** One step: the state to go to, what to do, and which time limit begins. */
export interface Step {
  readonly to: State
  readonly effects: readonly Effect[]
  readonly limit?: Limit
}

/** Ignored and counted: this cannot matter here. */
export const IGNORED = 'ignored'

type Cell = Step | typeof IGNORED

const step = (to: State, effects: readonly Effect[] = [], limit?: Limit): Step =>
  limit ? { to, effects, limit } : { to, effects }

const DIAL = step('Connecting', ['dial'], 'handshake')
const REDIAL = step('Connecting', ['drop', 'dial'], 'handshake')
const WAIT = step('Waiting', ['drop'], 'backoff')
const LOOP = step('Waiting', ['drop'], 'loop')
const OFFLINE = step('Offline', ['drop'])
const STOPPED = step('Stopped', ['drop'])

const NOTHING: Readonly<Record<Event, Cell>> = {
  start: IGNORED,
  open: IGNORED,
  welcome: IGNORED,
  drain: IGNORED,
  closedNever: IGNORED,
  closedBackOff: IGNORED,
  closedNow: IGNORED,
  late: IGNORED,
  loop: IGNORED,
  offline: IGNORED,
  online: IGNORED,
  visible: IGNORED,
  stop: STOPPED,
}

/** Closes and the network's loss are the same in every state that has a socket. */
const CONNECTED: Readonly<Record<Event, Cell>> = {
  ...NOTHING,
  closedNever: STOPPED,
  closedBackOff: WAIT,
  closedNow: REDIAL,
  late: WAIT,
  loop: LOOP,
  offline: OFFLINE,
}

/** Every state against every event. */
export const TABLE: Readonly<Record<State, Readonly<Record<Event, Cell>>>> = {
  Idle: { ...NOTHING, start: DIAL },
  Connecting: { ...CONNECTED, open: step('Hello', ['hello'], 'handshake') },
  Hello: { ...CONNECTED, welcome: step('Live', ['subscribe']) },
  Live: {
    ...CONNECTED,
    drain: step('Draining', [], 'drain'),
    late: REDIAL,
    visible: step('Live', ['ping']),
  },
  Draining: { ...CONNECTED, closedBackOff: DIAL, closedNow: DIAL, late: DIAL },
  Waiting: { ...NOTHING, late: DIAL, offline: OFFLINE, online: DIAL, visible: DIAL },
  Offline: { ...NOTHING, online: DIAL },
  Stopped: { ...NOTHING, stop: IGNORED },
}
