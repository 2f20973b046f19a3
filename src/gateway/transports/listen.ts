import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where to listen; port 0 takes any that is free. */
export interface Listen {
  readonly host: string
  readonly port: number
}

/** Starts a server and returns its port; throws when the address cannot be had. */
export async function listen(server: Server, { host, port }: Listen): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return (server.address() as AddressInfo).port
}

/** Stops taking connections, gives open requests `ms` milliseconds, then cuts them. */
export async function closeServer(server: Server, ms: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const timer = setTimeout(() => server.closeAllConnections(), ms)
  server.closeIdleConnections()
  await closed
  clearTimeout(timer)
}
