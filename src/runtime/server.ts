import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Serves /healthz (alive), /readyz (503 with a sentence until `ready` says undefined) and /metrics. Returns the port. */
export async function serveHealth(
  options: {
    readonly listen: { readonly host: string; readonly port: number }
    /** In Prometheus's text format. */
    readonly metrics: () => Promise<string>
    /** Why this process is not ready; undefined when it is. */
    readonly notReady: () => string | undefined
  },
  signal: AbortSignal,
): Promise<number> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'text/plain') =>
      response.writeHead(status, { 'content-type': type }).end(body)
    switch (request.url ?? '') {
      case '/healthz':
        return answer(200, 'ok\n')
      case '/readyz': {
        const reason = options.notReady()
        return reason === undefined ? answer(200, 'ok\n') : answer(503, `${reason}\n`)
      }
      case '/metrics':
        return void options.metrics().then(
          (text) => answer(200, text, 'text/plain; version=0.0.4; charset=utf-8'),
          () => answer(500, 'no metrics\n'),
        )
      default:
        return answer(404, 'not found\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.listen.port, options.listen.host, resolve)
  })
  signal.addEventListener('abort', () => server.close(), { once: true })
  return (server.address() as AddressInfo).port
}
