import { randomUUID } from 'node:crypto'

import type { Authenticate } from '../auth.ts'
import type { GatewayLimits } from '../limits.ts'
import type { GatewayMetrics } from '../metrics.ts'
import { type Connection, createConnection } from './connection.ts'
import { createScheduler } from './scheduler.ts'
import type { ServedView } from './served.ts'
import type { Transport } from './transport.ts'

/** All clients of this gateway, whatever carries their frames. */
export interface Hub {
  readonly connections: number
  /** Takes a client in; one too many, or while draining, is closed at once, with the code that says why. */
  connect(transport: Transport): Connection
  /**
   * Tells every client to go elsewhere, each within its own part of `windowMs`, and closes each at the end of its part.
   * Resolves when all have gone.
   */
  drain(windowMs: number): Promise<void>
  /** Cuts who is still there and ends all timers. */
  stop(): void
}

/** How often deadlines are looked at. */
const SWEEP_MS = 1_000

/** A hub over these views. */
export function createHub(deps: {
  readonly views: ReadonlyMap<string, ServedView>
  readonly authenticate: Authenticate
  readonly limits: GatewayLimits
  readonly metrics: GatewayMetrics
  readonly now: () => number
  readonly random: () => number
}): Hub {
  const { limits, metrics, now, random } = deps
  const connections = new Set<Connection>()
  const timers = new Set<NodeJS.Timeout>()
  const scheduler = createScheduler<Connection>({
    tickMs: limits.tickMs,
    now,
    flush: (connection, at) => connection.flush(at),
  })
  let gone: (() => void) | undefined
  let draining = false
  const sweeper = setInterval(() => {
    for (const connection of [...connections]) connection.sweep(now())
  }, SWEEP_MS)

  function later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      act()
    }, ms)
    timers.add(timer)
  }

  return {
    get connections() {
      return connections.size
    },
    connect(transport) {
      const connection = createConnection(transport, {
        ...deps,
        session: randomUUID(),
        wake: () => scheduler.wake(connection),
        ended() {
          scheduler.forget(connection)
          if (connections.delete(connection)) metrics.connected(-1)
          if (connections.size === 0) gone?.()
        },
      })
      const refusal = draining ? 'drain' : connections.size >= limits.connections ? 'connections' : undefined
      connections.add(connection)
      metrics.connected(1)
      if (refusal) connection.close(refusal)
      return connection
    },
    async drain(windowMs) {
      draining = true
      if (connections.size === 0) return
      const empty = Promise.withResolvers<void>()
      gone = empty.resolve
      for (const connection of connections) {
        const afterMs = Math.round(random() * windowMs)
        connection.send({ t: 'drain', afterMs })
        later(afterMs, () => connection.close('drain'))
      }
      await empty.promise
    },
    stop() {
      clearInterval(sweeper)
      scheduler.stop()
      for (const timer of timers) clearTimeout(timer)
      for (const connection of [...connections]) connection.close('drain')
    },
  }
}
