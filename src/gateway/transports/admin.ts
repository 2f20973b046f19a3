import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'

import type { WorkloadStatus } from '../../contracts/workload.ts'

/** Answers `/status`, `/healthz`, `/readyz` and `/metrics`; for a listener that browsers do not reach. */
export function adminHandler(deps: {
  readonly registry: Registry
  readonly status: () => WorkloadStatus
  /** Why no traffic should come; undefined when it may. */
  readonly notReady: () => string | undefined
}): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const answer = (status: number, body: string, type = 'text/plain'): void =>
      void response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
    const reason = deps.notReady()
    switch (request.url ?? '') {
      case '/status':
        return answer(200, JSON.stringify(deps.status()), 'application/json')
      case '/healthz':
        return answer(200, 'ok\n')
      case '/readyz':
        return reason === undefined ? answer(200, 'ok\n') : answer(503, `${reason}\n`)
      case '/metrics':
        return void deps.registry.metrics().then(
          (text) => answer(200, text, deps.registry.contentType),
          () => answer(500, 'no metrics\n'),
        )
      default:
        return answer(404, 'not found\n')
    }
  }
}
