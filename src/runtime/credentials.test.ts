import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'

import { createTransport } from './credentials.ts'

describe('the transport', () => {
  it('opens every watch, and calls besides, where only HTTP/1.1 is spoken', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200)
      response.write('{}\n')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const dir = await mkdtemp(join(tmpdir(), 'penstock-transport-'))
    const file = join(dir, 'kubeconfig')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const cluster = { server: url, 'insecure-skip-tls-verify': true }
    await writeFile(
      file,
      JSON.stringify({
        'current-context': 'a',
        clusters: [{ name: 'a', cluster }],
        users: [{ name: 'a', user: { token: 'secret' } }],
        contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      }),
    )
    vi.stubEnv('KUBECONFIG', file)
    const transport = createTransport(Date.now)
    vi.unstubAllEnvs()
    const signal = AbortSignal.timeout(5_000)
    const ask = (lasting: boolean) =>
      transport.request({ method: 'GET', path: '/', headers: {}, signal, lasting })
    try {
      const answers = await Promise.all([true, true, true, true, false].map(ask))
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200])
      for (const { body } of answers) body.on('error', () => undefined).destroy()
    } finally {
      await transport.close()
      server.closeAllConnections()
      server.close()
      await rm(dir, { recursive: true })
    }
  })
})
