import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy on loopback that misbehaves when told to. */
export interface TcpProxy {
  readonly port: number
  /** Connections open now, the most at one time, and all that were ever made. */
  readonly connections: { readonly open: number; readonly most: number; readonly total: number }
  /** Resets every connection (RST). */
  reset(): void
  /** From now on swallows what comes on the connections that are open now, and keeps them open; new ones work. */
  deafen(): void
  /** Resets every connection and refuses new ones, or lets them come again. */
  refuse(on: boolean): void
  /** Resets every connection, and leads new ones to this port. */
  turnTo(target: number): void
  close(): Promise<void>
}

/** The two ends of a connection; a deaf one passes nothing on. */
interface Pair {
  readonly client: Socket
  readonly upstream: Socket
  deaf: boolean
}

/** Starts a proxy to a port on loopback. */
export async function startProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  const state = { target, refusing: false, most: 0, total: 0 }
  const server = createServer((client) => {
    if (state.refusing) return void client.resetAndDestroy()
    const pair: Pair = { client, upstream: connect(state.target, '127.0.0.1'), deaf: false }
    pairs.add(pair)
    state.total++
    state.most = Math.max(state.most, pairs.size)
    const forget = () => void pairs.delete(pair)
    join(pair, client, pair.upstream, forget)
    join(pair, pair.upstream, client, forget)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const reset = () => {
    for (const { client, upstream } of pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
  }
  return {
    port,
    get connections() {
      return { open: pairs.size, most: state.most, total: state.total }
    },
    reset,
    deafen: () => {
      for (const pair of pairs) pair.deaf = true
    },
    refuse: (on) => {
      state.refusing = on
      if (on) reset()
    },
    turnTo: (next) => {
      state.target = next
      reset()
    },
    close: async () => {
      for (const { client, upstream } of pairs) for (const socket of [client, upstream]) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function join(pair: Pair, from: Socket, to: Socket, forget: () => void): void {
  from.on('data', (chunk: Buffer) => (pair.deaf ? undefined : to.write(chunk)))
  from.on('end', () => (pair.deaf ? undefined : to.end()))
  from.on('error', () => undefined)
  from.on('close', () => {
    forget()
    to.destroy()
  })
}
