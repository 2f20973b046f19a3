import { afterEach, describe, expect, it } from 'vitest'

import type { RunningGateway } from './gateway.ts'
import { startTestGateway, testView, until, untilLoaded } from './testing/gateway.ts'
import { createFakeTopic } from './testing/reader.ts'
import { openSocket } from './testing/socket.ts'

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

const row = (status: string, n = 0) => ({ status, n })

describe('the stream', () => {
  it('gives a snapshot, then changes, then deletes', async () => {
    const topic = createFakeTopic('orders', 2)
    topic.put(0, 'a', row('open'))
    topic.put(1, 'b', row('done'))
    topic.put(0, 'gone', row('open'))
    topic.put(0, 'gone', undefined)
    topic.hole(0)
    const { url } = await start(topic)
    const socket = await openSocket(url)
    socket.send({ t: 'sub', id: 's', view: 'orders', all: true })
    await socket.next('snap', ({ last }) => last)
    expect(socket.rows('s')).toEqual(
      new Map([
        ['a', row('open')],
        ['b', row('done')],
      ]),
    )
    topic.put(0, 'a', row('done', 1), 7)
    const { rows, token } = await socket.next('d')
    expect(rows).toEqual([['a', row('done', 1), 0, 4, 7]])
    expect(token).toBeDefined()
    topic.put(1, 'b', undefined)
    await until(() => !socket.rows('s').has('b'))
  })

  it('selects by key and by indexed field, and says when a row leaves', async () => {
    const topic = createFakeTopic('orders', 2)
    for (let n = 0; n < 10; n += 1) topic.put(n % 2, `k${n}`, row(n < 5 ? 'open' : 'done', n))
    const { url } = await start(topic)
    const socket = await openSocket(url)
    socket.send({ t: 'sub', id: 'keys', view: 'orders', keys: ['k1', 'none'] })
    socket.send({ t: 'sub', id: 'open', view: 'orders', where: { status: 'open' } })
    await socket.next('snap', ({ id, last }) => last && id === 'open')
    expect([...socket.rows('keys').keys()]).toEqual(['k1'])
    expect([...socket.rows('open').keys()].sort()).toEqual(['k0', 'k1', 'k2', 'k3', 'k4'])
    topic.put(1, 'k1', row('done', 11))
    topic.put(1, 'k7', row('open', 12))
    await until(() => socket.rows('open').has('k7') && !socket.rows('open').has('k1'))
    expect(socket.rows('keys')).toEqual(new Map([['k1', row('done', 11)]]))
    socket.send({ t: 'track', id: 'keys', add: ['k2'], drop: ['k1'] })
    await until(() => socket.rows('keys').has('k2'))
    topic.put(1, 'k1', row('open', 13))
    await until(() => socket.rows('open').has('k1'))
    expect(socket.rows('keys').get('k1')).toEqual(row('done', 11))
  })

  it('resumes where it was, and tells deletes of the time between', async () => {
    const topic = createFakeTopic('orders', 2)
    topic.put(0, 'a', row('open'))
    topic.put(1, 'b', row('open'))
    const { url } = await start(topic)
    const first = await openSocket(url)
    first.send({ t: 'sub', id: 's', view: 'orders', all: true })
    const { token } = await first.next('snap', ({ last }) => last)
    first.close()
    topic.put(0, 'c', row('open'))
    topic.put(1, 'b', undefined)
    const second = await openSocket(url)
    second.send({ t: 'sub', id: 's', view: 'orders', all: true, ...(token ? { resume: token } : {}) })
    const { rows } = await second.next('d', (frame) => frame.rows.length === 2)
    expect(rows.map(([key, value]) => [key, value])).toEqual([
      ['c', row('open')],
      ['b', null],
    ])
    expect(second.frames.some(({ t }) => t === 'reset' || t === 'snap')).toBe(false)
  })

  it('refuses what is wrong, and closes with the code that says why', async () => {
    const { url, rest } = await start(createFakeTopic('orders', 1))
    const socket = await openSocket(url)
    socket.send({ t: 'sub', id: '1', view: 'nothing', all: true })
    expect(await socket.next('err')).toMatchObject({ id: '1', code: 'unknown-view', retry: 'never' })
    socket.send({ t: 'sub', id: '2', view: 'orders', where: { n: 1 } })
    expect(await socket.next('err', ({ id }) => id === '2')).toMatchObject({ code: 'bad-selector' })
    socket.send({ t: 'ping', n: 4 })
    expect(await socket.next('pong')).toEqual({ t: 'pong', n: 4 })
    socket.send('nonsense')
    await until(() => socket.closed?.code === 4001)
    await expect(openSocket(url, { origin: 'https://elsewhere.example.com' })).rejects.toThrow('403')
    const other = await openSocket(url, { origin: 'https://shop.example.com', silent: true })
    other.send({ t: 'hello', v: 2 })
    await until(() => other.closed?.code === 4002)
    const big = await openSocket(url)
    big.send({ t: 'auth', token: 'x'.repeat(17_000) })
    await until(() => big.closed?.code === 4006)
    expect((await fetch(`${rest}/orders`, { headers: { origin: 'https://no.example.com' } })).status).toBe(
      403,
    )
  })

  it('sends every event in mode All, and replays those of a short absence', async () => {
    const topic = createFakeTopic('orders', 1)
    topic.put(0, 'a', row('old'))
    const { url } = await start(topic, { views: [testView({ mode: 'All' })], limits: { ringEvents: 5 } })
    const socket = await openSocket(url)
    socket.send({ t: 'sub', id: 's', view: 'orders', all: true })
    const { token } = await socket.next('snap')
    for (const n of [1, 2, 3]) topic.put(0, 'a', row('x', n))
    await until(() => socket.frames.flatMap((frame) => (frame.t === 'd' ? frame.rows : [])).length === 3)
    const back = await openSocket(url)
    back.send({ t: 'sub', id: 's', view: 'orders', all: true, resume: token ?? '' })
    expect((await back.next('d')).rows.map(([, value]) => value?.['n'])).toEqual([1, 2, 3])
    // More at once than the ring holds: whoever is connected has lost some, too, and is told.
    for (let n = 4; n < 12; n += 1) topic.put(0, 'a', row('x', n))
    expect(await socket.next('reset')).toMatchObject({ reason: 'gap' })
    topic.put(0, 'a', row('x', 12))
    await until(() => socket.rows('s').has('a'))
    const late = await openSocket(url)
    late.send({ t: 'sub', id: 's', view: 'orders', all: true, resume: token ?? '' })
    expect(await late.next('reset')).toMatchObject({ reason: 'gap', all: true })
  })

  it('follows a topic that is made anew', async () => {
    const topic = createFakeTopic('orders', 1)
    topic.put(0, 'a', row('open'))
    const gateway = await start(topic)
    const before = gateway.views[0]?.content?.epoch
    const socket = await openSocket(gateway.url)
    socket.send({ t: 'sub', id: 's', view: 'orders', all: true })
    const { token } = await socket.next('snap', ({ last }) => last)
    await gateway.stop(0)
    running.delete(gateway)
    expect(socket.frames.some(({ t }) => t === 'drain')).toBe(true)
    await until(() => socket.closed?.code === 4200)
    topic.recreate(2)
    topic.put(1, 'b', row('open'))
    const second = await start(topic)
    expect(second.views[0]?.content?.epoch).not.toBe(before)
    const again = await openSocket(second.url)
    again.send({ t: 'sub', id: 's', view: 'orders', all: true, resume: token ?? '' })
    expect(await again.next('reset')).toMatchObject({ reason: 'epoch', all: true })
    await again.next('snap', ({ last }) => last)
    expect([...again.rows('s').keys()]).toEqual(['b'])
  })
})
