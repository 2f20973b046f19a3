import { afterEach, describe, expect, it } from 'vitest'

import type { RunningGateway } from '../../../src/gateway/gateway.ts'
import { startTestGateway, until, untilLoaded } from '../../../src/gateway/testing/gateway.ts'
import { createFakeTopic } from '../../../src/gateway/testing/reader.ts'
import { type Client, createClient } from './client.ts'
import type { Socket, SocketHandlers } from './sockets.ts'

/** The client against the gateway as it is, over real sockets; only the topic is in memory. */

const gateways = new Set<RunningGateway>()
const clients = new Set<Client>()
afterEach(async () => {
  for (const client of clients) client.stop()
  await Promise.all([...gateways].map((gateway) => gateway.stop(0)))
  clients.clear()
  gateways.clear()
})

const start: typeof startTestGateway = async (...args) => {
  const gateway = await startTestGateway(...args)
  gateways.add(gateway)
  await untilLoaded(gateway)
  return gateway
}

/** A client whose sockets a test can cut, and point elsewhere. */
function open(url: string) {
  let target = url
  let cut = () => {}
  const dial = (_: string, handlers: SocketHandlers): Socket => {
    const socket = new WebSocket(target)
    socket.onopen = handlers.onOpen
    socket.onmessage = ({ data }) => handlers.onText(String(data))
    socket.onclose = ({ code }) => handlers.onClose(code)
    cut = () => {
      socket.onmessage = null
      socket.close()
      handlers.onClose(1006)
    }
    return socket
  }
  const client = createClient({ url, surroundings: { open: dial, random: () => 0.1 } })
  clients.add(client)
  return {
    client,
    cut: () => cut(),
    pointTo: (other: string) => {
      target = other
    },
  }
}

describe('the client', () => {
  it('holds the rows of a view, and tells of changes', async () => {
    const topic = createFakeTopic('orders', 2)
    topic.put(0, 'a', { status: 'open' })
    topic.put(1, 'b', { status: 'done' })
    const { url } = await start(topic)
    const orders = open(url).client.view('orders').subscribe()
    await until(() => orders.status().state === 'Live')
    const keys = orders.list().map(({ key }) => key)
    expect(keys.sort()).toEqual(['a', 'b'])
    const b = orders.getSnapshot('b')
    topic.put(0, 'a', { status: 'done' }, 5_000)
    await until(() => orders.getSnapshot('a')?.row['status'] === 'done')
    expect(orders.getSnapshot('b')).toBe(b)
  })

  it('comes back after a cut without a snapshot, with what it missed', async () => {
    const topic = createFakeTopic('orders', 1)
    topic.put(0, 'a', { n: 1 })
    topic.put(0, 'b', { n: 1 })
    const page = open((await start(topic)).url)
    const orders = page.client.view('orders').subscribe()
    const changes: string[] = []
    orders.onDelta((rows) => changes.push(...rows.map(([key]) => key)))
    await until(() => orders.status().state === 'Live')
    page.cut()
    topic.put(0, 'b', undefined)
    await until(() => orders.getSnapshot('b') === undefined)
    topic.put(0, 'c', { n: 1 })
    await until(() => orders.getSnapshot('c') !== undefined)
    expect(changes).toEqual(['b', 'c'])
    expect(orders.getSnapshot('a')).toBeDefined()
  })

  it('changes pods before the old one goes', async () => {
    const topic = createFakeTopic('orders', 1)
    topic.put(0, 'a', { n: 1 })
    const [first, second] = [await start(topic), await start(topic)]
    const page = open(first.url)
    const orders = page.client.view('orders').subscribe()
    await until(() => orders.status().state === 'Live')
    page.pointTo(second.url)
    const states: string[] = []
    page.client.onStatus(() => states.push(page.client.status().state))
    const stopped = first.stop(2_000)
    gateways.delete(first)
    await until(() => states.includes('Live'))
    expect(states).toEqual(['Draining', 'Connecting', 'Hello', 'Live'])
    topic.put(0, 'a', { n: 2 })
    await until(() => orders.getSnapshot('a')?.row['n'] === 2)
    await stopped
  })

  it('says when it is refused', async () => {
    const { url } = await start(createFakeTopic('orders', 1))
    const nothing = open(url).client.view('nothing').subscribe()
    await until(() => nothing.status().state === 'Failed')
    expect(nothing.status()).toMatchObject({ error: { code: 'unknown-view' } })
  })
})
