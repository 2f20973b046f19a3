import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type ConnectErrorKind, createConnectClient, isConnectError } from './connect.ts'

/** The kind of the error that a write comes to which is answered so. */
async function kindOf(status: number, message: string): Promise<ConnectErrorKind | undefined> {
  const server = createServer((_incoming, outgoing) =>
    outgoing.writeHead(status).end(JSON.stringify({ error_code: status, message })),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = createConnectClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  try {
    const error: unknown = await client
      .putConfig('c', {}, AbortSignal.timeout(5_000))
      .catch((thrown) => thrown)
    return isConnectError(error) ? error.kind : undefined
  } finally {
    await client.close()
    server.close()
  }
}

describe('what an answer of Kafka Connect stands for', () => {
  it.each<readonly [number, string, ConnectErrorKind]>([
    [409, 'Cannot complete request momentarily due to stale configuration', 'Busy'],
    [409, 'Connector c already exists', 'Refused'],
    [500, 'Request cannot be completed because a rebalance is expected', 'Busy'],
    [500, 'Request timed out. The worker is currently reading to the end of the config topic', 'Busy'],
    [500, 'IO Error trying to forward REST request: java.net.ConnectException: Connection refused', 'Busy'],
    [500, 'Failed to find any class that implements Connector', 'Refused'],
    [503, 'starting', 'Busy'],
    [400, 'Connector configuration is invalid', 'Refused'],
  ])('%i %s: %s', async (status, message, kind) => {
    expect(await kindOf(status, message)).toBe(kind)
  })
})
