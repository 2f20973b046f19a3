import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A way to an HTTP server that remembers what was written. */
export interface Recorder {
  readonly url: string
  /** Every call but reads and validations, in order: `PUT /connectors/x/resume`, and `POST /connectors x` for a new one. */
  readonly writes: readonly string[]
  /** Those of them that were answered with success. */
  readonly accepted: readonly string[]
  /** How many calls of any kind there were. */
  calls(): number
  close(): Promise<void>
}

/** Passes every call on to the server at `target`. */
export async function startRecorder(target: string): Promise<Recorder> {
  const writes: string[] = []
  const accepted: string[] = []
  const count = { calls: 0 }
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = 'GET', url = '/', headers } = incoming
    count.calls += 1
    const pass = async () => {
      const body = await text(incoming)
      const call = method === 'GET' || url.endsWith('/validate') ? [] : [callOf(method, url, body)]
      writes.push(...call)
      const upstream = request(new URL(url, target), { method, headers }, (answer) => {
        const { statusCode = 502 } = answer
        if (statusCode < 300) accepted.push(...call)
        outgoing.writeHead(statusCode, answer.headers)
        answer.pipe(outgoing)
      })
      upstream.on('error', () => outgoing.destroy())
      outgoing.on('close', () => upstream.destroy())
      upstream.end(body)
    }
    pass().catch(() => outgoing.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes,
    accepted,
    calls: () => count.calls,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function callOf(method: string, url: string, body: string): string {
  const { name } = (body ? JSON.parse(body) : {}) as { readonly name?: string }
  return [method, decodeURIComponent(url), ...(url === '/connectors' && name ? [name] : [])].join(' ')
}
