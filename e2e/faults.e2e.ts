import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { compareOrders, eventually, openShop, type ShopUnderTest, whileWriting } from './shop.ts'

let shop: ShopUnderTest
beforeAll(() => {
  shop = openShop()
})
afterAll(() => shop.close())

const ready = async (object: string) =>
  (
    await shop.kubectl(
      '-n',
      'shop',
      'get',
      object,
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
    )
  ).trim()

const settle = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Restarts a server after a power cut of `downMs`. */
const cut = async (name: 'broker' | 'connect' | 'database', downMs: number) => {
  const server = shop.server(name)
  await server.kill()
  await settle(downMs)
  await server.start(AbortSignal.timeout(60_000))
}

describe('killed while rows are written, and back', () => {
  const faults: readonly { readonly what: string; readonly strike: () => Promise<unknown> }[] = [
    {
      what: 'operator',
      strike: () => shop.killContainers('penstock-system', 'app.kubernetes.io/name=penstock'),
    },
    {
      what: 'processor',
      strike: () => shop.killContainers('shop', 'app.kubernetes.io/name=penstock-processor'),
    },
    { what: 'gateway', strike: () => shop.killContainers('shop', 'app.kubernetes.io/name=penstock-gateway') },
    { what: 'Connect worker', strike: () => cut('connect', 1_000) },
    { what: 'broker', strike: () => cut('broker', 1_000) },
    { what: 'PostgreSQL', strike: () => cut('database', 1_000) },
  ]
  test.each(faults)('$what: view and table are equal afterwards', async ({ strike }) => {
    const orders = shop.client.view('orders').subscribe()
    await whileWriting(shop, async () => {
      await settle(2_000)
      await strike()
      await settle(4_000)
    })
    const { view, table } = await compareOrders(shop, orders, 90_000)
    expect(view).toEqual(table)
    orders.close()
    await eventually('Ready again', 60_000, async () =>
      (await ready('source/shop')) === 'True' && (await ready('pipeline/shop')) === 'True' ? true : undefined,
    )
  })
})

describe('down for longer', () => {
  const cases = [
    { what: 'PostgreSQL', server: 'database', reason: 'DatabaseUnreachable' },
    { what: 'Connect', server: 'connect', reason: 'ConnectUnreachable' },
    { what: 'Kafka', server: 'broker', reason: 'KafkaUnreachable' },
  ] as const
  test.each(cases)(
    '$what down: within 30 s the Source is not Ready and says so, and heals by itself',
    async ({ server, reason }) => {
      const state = async () =>
        JSON.parse(
          await shop.kubectl(
            '-n',
            'shop',
            'get',
            'source/shop',
            '-o',
            'jsonpath={.status.conditions[?(@.type=="Ready")]}',
          ),
        ) as {
          readonly status: string
          readonly reason: string
          readonly message: string
        }
      await shop.server(server).kill()
      try {
        const said = await eventually('Ready=False', 30_000, async () => {
          const found = await state()
          return found.status === 'False' && found.reason === reason ? found : undefined
        })
        expect(said.message).toMatch(/[Cc]heck/)
      } finally {
        await shop.server(server).start(AbortSignal.timeout(60_000))
      }
      await eventually('Ready=True', 60_000, async () =>
        (await state()).status === 'True' ? true : undefined,
      )
    },
  )
})

test('a killed processor: flows are equal to what the table says', async () => {
  const open = shop.client.view('open-orders').subscribe()
  await whileWriting(shop, async () => {
    await settle(1_000)
    await shop.killContainers('shop', 'app.kubernetes.io/name=penstock-processor')
    await settle(3_000)
  })
  const expected = async () =>
    (await shop.pool.query<{ id: string }>("SELECT id::text FROM orders WHERE status <> 'delivered'")).rows
      .map(({ id }) => id)
      .sort()
  const table = await expected()
  await eventually('open-orders equals the table', 90_000, async () => {
    const view = open
      .list()
      .map(({ key }) => key)
      .sort()
    return JSON.stringify(view) === JSON.stringify(table) ? true : undefined
  })
  open.close()
})
