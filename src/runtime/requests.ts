import { Counter, type Registry } from 'prom-client'

import type { KubeTransport } from './kube.ts'

/**
 * A transport that counts each request under client-go's name, `rest_client_requests_total`, by method and the answer's
 * code: 409 is a conflict, 429 the server's refusal for now, `<error>` no answer at all.
 */
export function countRequests(transport: KubeTransport, host: string, registry: Registry): KubeTransport {
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server by method and status code; <error> where no answer came.',
    labelNames: ['code', 'method', 'host'],
    registers: [registry],
  })
  return {
    request: async (options) => {
      const { method } = options
      try {
        const response = await transport.request(options)
        requests.inc({ code: String(response.statusCode), method, host })
        return response
      } catch (error) {
        requests.inc({ code: '<error>', method, host })
        throw error
      }
    },
  }
}
