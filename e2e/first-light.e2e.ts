import { afterAll, beforeAll, expect, test } from 'vitest'

import { compareOrders, eventually, openShop, type ShopUnderTest, whileWriting } from './shop.ts'

let shop: ShopUnderTest
beforeAll(() => {
  shop = openShop()
})
afterAll(() => shop.close())

test('kubectl get shows our kinds, Ready, with their columns', async () => {
  // Another test may just have killed something.
  const text = await eventually('every object is Ready', 60_000, async () => {
    const shown = await shop.kubectl('get', 'penstock', '-n', 'shop', '-o', 'wide')
    return / False /.test(shown) ? undefined : shown
  })
  expect(text).toMatch(/NAME +READY +REASON +LAG +SLOWEST +RECORDS +PROC +GW +CONNS +AGE/)
  expect(text).toMatch(/pipeline\.penstock\.dev\/shop +True +Running .* 1\/1 +1\/1/)
  expect(text).toMatch(/source\.penstock\.dev\/shop +True +Streaming +Running .* 3\/3/)
  expect(text).toMatch(/backbone\.penstock\.dev\/main +True +Reachable +True +True/)
})

test('rows written while a browser looks are the rows that it sees, deleted ones included', async () => {
  const orders = shop.client.view('orders').subscribe()
  await whileWriting(shop, () => new Promise((resolve) => setTimeout(resolve, 4_000)))
  const { view, table } = await compareOrders(shop, orders, 30_000)
  expect(view).toEqual(table)
  orders.close()
})

test('views answer by REST, with the same rows', async () => {
  const response = await fetch(`${shop.gatewayUrl}/v1/views/orders`)
  expect(response.status).toBe(200)
  expect(response.headers.get('penstock-position')).toBeTruthy()
  const { rows } = await shop.pool.query<{ id: number }>('SELECT id FROM orders ORDER BY id LIMIT 1')
  const one = await fetch(`${shop.gatewayUrl}/v1/views/orders/${rows[0]?.id}`)
  expect(one.status).toBe(200)
  const missing = await fetch(`${shop.gatewayUrl}/v1/views/orders/0`)
  expect(missing.status).toBe(404)
})

test('no secret stands in a status, an event, a configuration or a log', async () => {
  const texts = await Promise.all([
    shop.kubectl('get', 'penstock', '-A', '-o', 'yaml'),
    shop.kubectl('get', 'events,configmaps', '-n', 'shop', '-o', 'yaml'),
    shop.kubectl('-n', 'penstock-system', 'logs', '-l', 'app.kubernetes.io/name=penstock', '--tail=-1'),
    shop.kubectl('-n', 'shop', 'logs', 'shop-processor-0', '--tail=-1'),
  ])
  for (const text of texts) expect(text).not.toContain('shop-secret')
})
