import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTunnel, parseTarget, serveTunnels } from './tunnel.ts'

test.each([
  ['["10.0.0.1",80]', { host: '10.0.0.1', port: 80 }],
  ['["a"]', undefined],
  ['{}', undefined],
  ['not json', undefined],
])('the target %s is read', (line, expected) => {
  expect(parseTarget(line)).toEqual(expected)
})

test('bytes go both ways through the socket, and a closed tunnel ends its connections', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-tunnel-'))
  const echo = createServer((socket) => void socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const address = echo.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const inner = await serveTunnels(join(folder, 's'))
  const tunnel = await openTunnel(join(folder, 's'), '127.0.0.1', address.port, AbortSignal.timeout(5_000))
  const client = connect(tunnel.port, '127.0.0.1')
  client.write('hello')
  const [answer] = (await once(client, 'data')) as [Buffer]
  expect(answer.toString()).toBe('hello')
  const closed = once(client, 'close')
  await tunnel.close()
  await closed
  await inner.close()
  echo.close()
  await rm(folder, { recursive: true })
})
