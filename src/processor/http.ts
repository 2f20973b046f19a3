import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

import type { WorkloadStatus } from '../contracts/workload.ts'

/** Where to listen; port 0 takes a free one. */
export interface Listen {
  readonly host: string
  readonly port: number
}

/**
 * Serves `/status` (WorkloadStatus), `/healthz` (this process answers), `/readyz` (503 with a sentence until every flow
 * runs) and `/metrics`, until the signal aborts. Returns the port.
 */
export async function serveStatus(
  listen: Listen,
  sources: { readonly status: () => WorkloadStatus; readonly registry: Registry },
  signal: AbortSignal,
): Promise<number> {
  const server = createServer((request, response) => {
    switch (request.url ?? '') {
      case '/healthz':
        return answer(response, 200, 'ok\n')
      case '/readyz': {
        const waiting = sources.status().units.find(({ state }) => state !== 'Running')
        if (!waiting) return answer(response, 200, 'ok\n')
        return answer(
          response,
          503,
          `flow ${waiting.name} is ${waiting.state}: ${waiting.error ?? 'not yet running'}\n`,
        )
      }
      case '/status':
        return answer(response, 200, JSON.stringify(sources.status()), 'application/json')
      case '/metrics':
        return void sources.registry.metrics().then(
          (text) => answer(response, 200, text, sources.registry.contentType),
          () => answer(response, 500, 'no metrics\n'),
        )
      default:
        return answer(response, 404, 'not found\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  })
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  signal.addEventListener('abort', close, { once: true })
  return (server.address() as AddressInfo).port
}

function answer(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}
