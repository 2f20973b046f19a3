import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy on loopback that misbehaves when told to. */
export interface Proxy {
  readonly port: number
  /** Connections open now, the most at one time, and all that were ever made. */
  readonly connections: { readonly open: number; readonly most: number; readonly total: number }
  /** Resets every connection (RST). */
  reset(): void
  /** Swallows what passes, both ways, and keeps connections open; or lets it pass again on new connections. */
  swallow(on: boolean): void
  close(): Promise<void>
}

/** Starts a proxy to a port on loopback. */
export async function startProxy(target: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  const state = { swallowing: false, most: 0, total: 0 }
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    const pair = [client, upstream] as const
    pairs.add(pair)
    state.total++
    state.most = Math.max(state.most, pairs.size)
    // What was swallowed once stays so: a hole in the stream must not be followed by later bytes.
    const hole = { open: false }
    join(client, upstream)
    join(upstream, client)
    function join(from: Socket, to: Socket): void {
      from.on('data', (chunk: Buffer) => {
        hole.open ||= state.swallowing
        if (!hole.open) to.write(chunk)
      })
      from.on('end', () => (hole.open ? undefined : to.end()))
      from.on('error', () => undefined)
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    get connections() {
      return { open: pairs.size, most: state.most, total: state.total }
    },
    reset: () => {
      for (const [client, upstream] of pairs) {
        client.resetAndDestroy()
        upstream.destroy()
      }
    },
    swallow: (on) => {
      state.swallowing = on
    },
    close: async () => {
      for (const pair of pairs) for (const socket of pair) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
