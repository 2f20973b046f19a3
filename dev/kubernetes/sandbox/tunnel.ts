import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Tunnel } from '../cluster.ts'

const HEADER_LIMIT = 300

/**
 * Serves the inner end of all tunnels at a UNIX socket, which is a file and so is reached from other network
 * namespaces: a connection first names a host and a port in a line of JSON, and then is that connection.
 */
export async function serveTunnels(path: string): Promise<{ close(): Promise<void> }> {
  const open = new Set<Socket>()
  const server = createServer((outer) => {
    open.add(outer)
    outer.once('close', () => open.delete(outer))
    void serveTunnel(outer)
  })
  server.listen(path)
  await once(server, 'listening')
  return { close: () => closeAll(server, open) }
}

async function serveTunnel(outer: Socket): Promise<void> {
  outer.on('error', () => outer.destroy())
  const target = await readTarget(outer)
  if (!target) return void outer.destroy()
  join(outer, connect(target.port, target.host))
}

async function readTarget(
  socket: Socket,
): Promise<{ readonly host: string; readonly port: number } | undefined> {
  let header = Buffer.alloc(0)
  for (;;) {
    const [chunk] = (await once(socket, 'data').catch(() => [])) as [Buffer?]
    if (!chunk) return undefined
    socket.pause()
    header = Buffer.concat([header, chunk])
    const end = header.indexOf('\n')
    if (end >= 0) {
      socket.unshift(header.subarray(end + 1))
      return parseTarget(header.toString('utf8', 0, end))
    }
    if (header.length > HEADER_LIMIT) return undefined
    socket.resume()
  }
}

/** Reads the line that names a tunnel's target; undefined when it does not. */
export function parseTarget(line: string): { readonly host: string; readonly port: number } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (!Array.isArray(value)) return undefined
    const [host, port] = value as unknown[]
    return typeof host === 'string' && typeof port === 'number' ? { host, port } : undefined
  } catch {
    return undefined
  }
}

/** Opens a free port on 127.0.0.1 whose connections go through the socket at `path` to a host and port inside. */
export async function openTunnel(
  path: string,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<Tunnel> {
  signal.throwIfAborted()
  const open = new Set<Socket>()
  const server = createServer((client) => {
    open.add(client)
    client.once('close', () => open.delete(client))
    const inner = connect(path)
    inner.write(`${JSON.stringify([host, port])}\n`)
    join(client, inner)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return { port: portOf(server), close: () => closeAll(server, open) }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the tunnel listens on no TCP port')
  return address.port
}

async function closeAll(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  server.ref()
  for (const client of open) client.destroy()
  server.close()
  await once(server, 'close')
}

function join(a: Socket, b: Socket): void {
  const both = [a, b]
  for (const socket of both) {
    socket.setNoDelay(true)
    socket.on('error', () => both.forEach((end) => void end.destroy()))
    socket.on('close', () => both.forEach((end) => void end.destroy()))
  }
  a.pipe(b).pipe(a)
}
