import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A way to an HTTP server that remembers what was written. */
export interface Recorder {
  readonly url: string
  /** Every call but reads and validations, as `PUT /connectors/x/config`, in order. */
  readonly writes: readonly string[]
  close(): Promise<void>
}

/** Passes every call on to the server at `target`. */
export async function startRecorder(target: string): Promise<Recorder> {
  const writes: string[] = []
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = 'GET', url = '/', headers } = incoming
    if (method !== 'GET' && !url.endsWith('/validate')) writes.push(`${method} ${decodeURIComponent(url)}`)
    const upstream = request(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    upstream.on('error', () => outgoing.destroy())
    outgoing.on('close', () => upstream.destroy())
    incoming.pipe(upstream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
