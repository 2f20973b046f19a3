import type { ErrFrame, Selector } from '@penstock/protocol'

import { type Connection, createConnection, type Surroundings } from './connection.ts'
import type { State } from './machine.ts'
import { listenToPage } from './page.ts'
import {
  createSubscription,
  type LiveSubscription,
  type SubscribeOptions,
  type Subscription,
} from './subscription.ts'

/** How to reach a gateway, and as whom. */
export interface ClientOptions {
  /** The gateway's address: http(s) or ws(s), without a path. */
  readonly url: string
  /** A token, or how to get a fresh one; it is asked for at every connect and before the old one expires. */
  readonly token?: string | (() => Promise<string>)
  /** Replaces the browser's WebSocket and timers, for tests and other runtimes. */
  readonly surroundings?: Partial<Surroundings>
}

/** How the connection is, for people. */
export interface ClientStatus {
  readonly state: State
  /** The gateway keeps sending everything anew; it is left alone for 30 s. */
  readonly loop: boolean
}

/** A client of one gateway: one connection, any number of subscriptions. */
export interface Client {
  view(name: string): { subscribe(selector?: Selector, options?: SubscribeOptions): Subscription }
  status(): ClientStatus
  onStatus(listener: () => void): () => void
  /** Ends the connection for good. */
  stop(): void
}

/** A subscription that is reset this often goes in circles. */
const LOOP = { resets: 5, withinMs: 60_000 }
/** What is refused for now is asked for again after this time, unless the gateway names another. */
const RETRY_MS = 2_000

/** Connects to a gateway; the connection comes back by itself until `stop`. */
export function createClient(options: ClientOptions): Client {
  const around: Surroundings = { ...defaults(), ...options.surroundings }
  const subscriptions = new Map<string, LiveSubscription>()
  const listeners = new Set<() => void>()
  const resets = new Map<string, readonly number[]>()
  let status: ClientStatus = { state: 'Idle', loop: false }
  let count = 0

  const become = (next: Partial<ClientStatus>) => {
    status = { ...status, ...next }
    for (const listener of listeners) listener()
  }
  const connection: Connection = createConnection(
    streamUrl(options.url),
    {
      token: async () => (typeof options.token === 'function' ? options.token() : options.token),
      onState: (state) => become({ state, ...(state === 'Live' ? { loop: false } : {}) }),
      onLive: () => {
        for (const subscription of subscriptions.values()) connection.send(subscription.frame())
      },
      onFrame: (frame) => {
        const subscription = 'id' in frame && frame.id !== undefined ? subscriptions.get(frame.id) : undefined
        if (!subscription) return
        if (frame.t === 'err' && frame.retry !== 'never') return askAgain(subscription, frame)
        if (subscription.take(frame)) countReset(subscription.id)
      },
    },
    around,
  )
  const askAgain = ({ id }: LiveSubscription, { retry, afterMs }: ErrFrame) => {
    const waitMs = afterMs ?? (retry === 'now' ? 0 : RETRY_MS)
    around.setTimer(() => {
      const subscription = subscriptions.get(id)
      if (subscription) connection.send(subscription.frame())
    }, waitMs)
  }
  const countReset = (id: string) => {
    const now = around.now()
    const recent = [...(resets.get(id) ?? []).filter((at) => now - at < LOOP.withinMs), now]
    resets.set(id, recent)
    if (recent.length < LOOP.resets) return
    resets.clear()
    become({ loop: true })
    connection.post('loop')
  }
  const unlisten = listenToPage(connection.post)
  connection.post('start')

  return {
    view: (name) => ({
      subscribe: (selector = { all: true }, wishes = {}) => {
        const id = `s${++count}`
        const subscription = createSubscription(id, name, selector, wishes, {
          attach: () => {
            if (subscriptions.has(id)) return
            subscriptions.set(id, subscription)
            connection.send(subscription.frame())
          },
          detach: () => {
            resets.delete(id)
            if (subscriptions.delete(id)) connection.send({ t: 'unsub', id })
          },
        })
        subscription.open()
        return subscription
      },
    }),
    status: () => status,
    onStatus: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => {
      unlisten()
      connection.post('stop')
    },
  }
}

function streamUrl(url: string): string {
  return `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/stream`
}

function defaults(): Surroundings {
  return {
    open: (url, { onOpen, onText, onClose }) => {
      const socket = new WebSocket(url)
      socket.onopen = onOpen
      socket.onmessage = ({ data }) => onText(String(data))
      socket.onclose = ({ code }) => onClose(code)
      return socket
    },
    setTimer: (run, ms) => {
      const timer = setTimeout(run, Math.max(0, ms))
      return () => clearTimeout(timer)
    },
    random: Math.random,
    now: Date.now,
  }
}
