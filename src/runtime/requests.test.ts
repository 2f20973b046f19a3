import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'

import type { KubeTransport } from './kube.ts'
import { countRequests } from './requests.ts'

describe('counting requests', () => {
  const answering = (answer: () => Promise<unknown>) => ({ request: answer }) as KubeTransport
  const ask = (transport: KubeTransport, method: 'GET' | 'PATCH') =>
    transport.request({ method, path: '/', headers: {}, signal: new AbortController().signal })

  it('counts by method and code, and what never got an answer', async () => {
    const registry = new Registry()
    const answers = [{ statusCode: 200 }, { statusCode: 409 }, { statusCode: 409 }]
    const counted = countRequests(
      answering(async () => answers.shift() ?? Promise.reject(new Error('ECONNRESET'))),
      'api:6443',
      registry,
    )
    await ask(counted, 'GET')
    await ask(counted, 'PATCH')
    await ask(counted, 'PATCH')
    await expect(ask(counted, 'GET')).rejects.toThrow('ECONNRESET')
    expect((await registry.metrics()).split('\n').filter((line) => line.startsWith('rest_'))).toEqual([
      'rest_client_requests_total{code="200",method="GET",host="api:6443"} 1',
      'rest_client_requests_total{code="409",method="PATCH",host="api:6443"} 2',
      'rest_client_requests_total{code="<error>",method="GET",host="api:6443"} 1',
    ])
  })
})
