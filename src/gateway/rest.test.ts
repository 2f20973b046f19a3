import { afterEach, describe, expect, it } from 'vitest'

import type { RunningGateway } from './gateway.ts'
import { startTestGateway, until, untilLoaded } from './testing/gateway.ts'
import { createFakeTopic } from './testing/reader.ts'

const running = new Set<RunningGateway>()
afterEach(async () => {
  await Promise.all([...running].map((gateway) => gateway.stop(0)))
  running.clear()
})

const start: typeof startTestGateway = async (topic, over) => {
  const gateway = await startTestGateway(topic, over)
  running.add(gateway)
  await untilLoaded(gateway)
  return gateway
}

interface Page {
  readonly rows: readonly (readonly [string, object | null])[]
  readonly more: boolean
  readonly cursor?: string
}

const json = async <T>(url: string): Promise<T> => (await fetch(url)).json() as Promise<T>
const keys = ({ rows }: Page): readonly string[] => rows.map(([key, row]) => (row ? key : `-${key}`))

describe('rows by REST', () => {
  it('gives one row with a tag that holds until it changes', async () => {
    const topic = createFakeTopic('orders', 1)
    topic.put(0, '7,x%2Cy', { n: 1 }, 99)
    const { rest } = await start(topic)
    const url = `${rest}/orders/${encodeURIComponent('7,x%2Cy')}`
    const first = await fetch(url)
    expect(await first.json()).toEqual({ n: 1 })
    expect(first.headers.get('penstock-commit-time')).toBe('99')
    const tag = first.headers.get('etag') ?? ''
    expect((await fetch(url, { headers: { 'if-none-match': tag } })).status).toBe(304)
    topic.put(0, '7,x%2Cy', { n: 2 })
    await expect.poll(async () => (await fetch(url, { headers: { 'if-none-match': tag } })).status).toBe(200)
    expect((await fetch(`${rest}/orders/none`)).status).toBe(404)
    expect((await fetch(`${rest}/nothing`)).status).toBe(404)
  })

  it('reads on from a position, or says that it cannot yet', async () => {
    const topic = createFakeTopic('orders', 1)
    topic.put(0, 'a', { n: 1 })
    const [one, two] = [await start(topic), await start(topic)]
    const position = (await fetch(`${one.rest}/orders/a`)).headers.get('penstock-position') ?? ''
    expect((await fetch(`${two.rest}/orders/a`, { headers: { 'penstock-min': position } })).status).toBe(200)
    expect((await fetch(`${two.rest}/orders/a`, { headers: { 'penstock-min': 'x' } })).status).toBe(412)
    await one.stop(0)
    running.delete(one)
    const lonely = createFakeTopic('orders', 1)
    const behind = await start(lonely)
    const answer = await fetch(`${behind.rest}/orders/a`, { headers: { 'penstock-min': position } })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  })

  it('pages through everything, and then says what changed and what went', async () => {
    const topic = createFakeTopic('orders', 2)
    for (let n = 0; n < 5; n += 1) topic.put(n % 2, `k${n}`, { status: n < 3 ? 'open' : 'done' })
    topic.put(0, 'gone', { status: 'open' })
    topic.put(0, 'gone', undefined)
    const { rest, views } = await start(topic)
    await until(() => (views[0]?.content?.progress[0]?.floor ?? 1e9) < 1e9)
    const first = await json<Page>(`${rest}/orders?limit=2`)
    topic.put(0, 'k0', undefined)
    await until(() => views[0]?.content?.progress[0]?.position === 6)
    const second = await json<Page>(`${rest}/orders?limit=2&cursor=${first.cursor}`)
    const third = await json<Page>(`${rest}/orders?limit=2&cursor=${second.cursor}`)
    expect([first, second, third].flatMap(keys)).toEqual(['k0', 'k2', 'k4', '-k0', 'k1', 'k3'])
    expect([first.more, second.more, third.more]).toEqual([true, true, false])
    topic.put(1, 'k1', undefined)
    topic.put(1, 'k9', { status: 'open' })
    await until(() => views[0]?.content?.progress[1]?.position === 4)
    expect(keys(await json<Page>(`${rest}/orders?cursor=${third.cursor}`))).toEqual(['-k1', 'k9'])
    expect(keys(await json<Page>(`${rest}/orders?status=open`))).toEqual(['k2', 'k9'])
    expect((await fetch(`${rest}/orders?cursor=nonsense`)).status).toBe(410)
    expect((await fetch(`${rest}/orders?n=1`)).status).toBe(400)
    expect((await fetch(`${rest}/orders?limit=0`)).status).toBe(400)
  })

  it('speaks CORS to allowed origins', async () => {
    const { rest } = await start(createFakeTopic('orders', 1))
    const origin = 'https://shop.example.com'
    const asked = await fetch(`${rest}/orders`, { method: 'OPTIONS', headers: { origin } })
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, origin])
    expect((await fetch(`${rest}/orders`, { headers: { origin } })).headers.get('vary')).toContain('Origin')
  })
})

describe('the status', () => {
  it('says how each view does, and goes on when the broker does not', async () => {
    const topic = createFakeTopic('orders', 1)
    topic.put(0, 'a', { n: 1 })
    const gateway = await start(topic)
    const unit = { name: 'orders', state: 'Running', lag: { records: 0, seconds: 0 }, skipped: 0 }
    expect(await json(`${gateway.status}/status`)).toMatchObject({
      role: 'gateway',
      hash: 'h',
      units: [unit],
      connections: 0,
    })
    expect((await fetch(`${gateway.status}/readyz`)).status).toBe(200)
    topic.fail('the broker is away')
    await until(() => gateway.views[0]?.error === 'the broker is away')
    expect(await json(`${gateway.status}/status`)).toMatchObject({
      units: [{ state: 'Failed', error: 'the broker is away' }],
    })
    expect((await fetch(`${gateway.rest}/orders/a`)).status).toBe(200)
    expect((await fetch(`${gateway.status}/readyz`)).status).toBe(200)
    topic.fail(undefined)
    topic.put(0, 'a', { n: 2 })
    await expect.poll(() => json(`${gateway.rest}/orders/a`), { timeout: 5_000 }).toEqual({ n: 2 })
    expect(await (await fetch(`${gateway.status}/metrics`)).text()).toContain(
      'penstock_gateway_rows{view="orders"} 1',
    )
  })
})
