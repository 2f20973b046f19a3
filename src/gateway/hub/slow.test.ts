import type { ServerFrame } from '@penstock/protocol'
import { afterEach, expect, it } from 'vitest'

import { type GatewayLimits, LIMITS } from '../limits.ts'
import { createGatewayMetrics } from '../metrics.ts'
import { policyOf } from '../policy.ts'
import { testView, until } from '../testing/gateway.ts'
import { createView } from '../view/view.ts'
import { createHub, type Hub } from './hub.ts'
import { serveView } from './served.ts'
import { encodeToken } from './token.ts'

const hubs = new Set<Hub>()
afterEach(() => {
  for (const hub of hubs) hub.stop()
  hubs.clear()
})

/** A hub over one view of one partition, whose clock a test moves, with clients whose transports it fills. */
function setUp(over: Partial<GatewayLimits> = {}) {
  const limits = { ...LIMITS, tickMs: 0, ...over }
  const metrics = createGatewayMetrics(false)
  const writer = createView(testView(), new Set(['status']), limits)
  let end = 0
  let now = 1_000_000
  const put = (key: string, n: number, filler?: string): void => {
    const value = Buffer.from(JSON.stringify({ status: 'x', n, filler }))
    const record = { key: Buffer.from(key), value, offset: BigInt(end), timestamp: now, headers: new Map() }
    end += 1
    const [position, highWatermark] = [BigInt(end), BigInt(end)]
    writer.apply({ topic: 't', partition: 0, records: [record], position, highWatermark, logStart: 0n }, now)
  }
  writer.begin('e'.repeat(16), [0])
  writer.learn({ floors: new Map([[0, 0]]) })
  put('first', 0)
  const { signal } = new AbortController()
  const askEnds = async (): Promise<readonly number[]> => [end + 5]
  const served = serveView(writer.view, policyOf(writer.view.config), { limits, metrics, signal, askEnds })
  const hub = createHub({
    views: new Map([['orders', served]]),
    authenticate: async () => ({ type: 'Accepted', claims: {}, exp: undefined }),
    limits,
    metrics,
    now: () => now,
    random: () => 0,
  })
  hubs.add(hub)

  function client(resume?: string) {
    const frames: ServerFrame[] = []
    let buffered = 0
    let room = Number.POSITIVE_INFINITY
    let ended: number | 'cut' | undefined
    const connection = hub.connect({
      send: (text) => {
        room -= 1
        frames.push(JSON.parse(text) as ServerFrame)
      },
      buffered: () => (room > 0 ? buffered : limits.highWaterBytes),
      close: (code) => {
        ended = code
      },
      terminate: () => {
        ended = 'cut'
      },
    })
    connection.receive('{"t":"hello","v":1}')
    connection.receive(
      JSON.stringify({ t: 'sub', id: 's', view: 'orders', all: true, ...(resume && { resume }) }),
    )
    return {
      frames,
      connection,
      ended: () => ended,
      /** Has room for so many frames and no more. */
      take: (count: number) => {
        buffered = 0
        room = count
        connection.drained()
      },
      fill: (bytes: number) => {
        buffered = bytes
        connection.drained()
      },
      values: () =>
        frames.flatMap((frame) =>
          frame.t === 'd' ? frame.rows.map(([key, row]) => `${key}=${row?.['n']}`) : [],
        ),
      live: () => until(() => frames.some((frame) => frame.t === 'snap' && frame.last)),
    }
  }
  return {
    put,
    client,
    later: (ms: number) => {
      now += ms
      for (const each of [...clients]) each.connection.sweep(now)
    },
    watch: (each: ReturnType<typeof client>) => {
      clients.add(each)
      return each
    },
  }
}
const clients = new Set<{ readonly connection: { sweep(now: number): void } }>()
afterEach(() => clients.clear())

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 15))

it('a full transport gets the newest value of each key, once there is room; nobody else waits', async () => {
  const { put, client } = setUp()
  const [slow, fast] = [client(), client()]
  await Promise.all([slow.live(), fast.live()])
  slow.fill(LIMITS.highWaterBytes)
  for (let n = 1; n <= 5; n += 1) {
    put('a', n)
    put('b', n)
    await settle()
  }
  expect(slow.values()).toEqual([])
  expect(fast.values()).toEqual([1, 2, 3, 4, 5].flatMap((n) => [`a=${n}`, `b=${n}`]))
  slow.fill(0)
  await until(() => slow.values().length > 0)
  expect(slow.values()).toEqual(['a=5', 'b=5'])
})

it('who owes too many keys is reset, and gets the rows anew', async () => {
  const { put, client } = setUp({ dirtyKeys: 10 })
  const slow = client()
  await slow.live()
  slow.fill(LIMITS.highWaterBytes)
  await settle()
  for (let n = 0; n < 11; n += 1) put(`k${n}`, n)
  slow.fill(0)
  await until(() => slow.frames.filter((frame) => frame.t === 'snap' && frame.last).length === 2)
  expect(slow.frames.find(({ t }) => t === 'reset')).toMatchObject({ reason: 'behind', all: true })
  expect(slow.ended()).toBeUndefined()
})

it('who owes too many keys again before it has caught up is closed with 4108', async () => {
  const { put, client } = setUp({ dirtyKeys: 10 })
  const large = 'x'.repeat(20_000)
  for (let n = 0; n < 11; n += 1) put(`k${n}`, n, large)
  const slow = client()
  await slow.live()
  slow.fill(LIMITS.highWaterBytes)
  await settle()
  for (let n = 0; n < 11; n += 1) put(`k${n}`, n, large)
  await settle()
  slow.take(2)
  await until(() => slow.frames.at(-2)?.t === 'reset')
  for (let n = 0; n < 11; n += 1) put(`k${n}`, n, large)
  await settle()
  slow.take(10)
  await until(() => slow.ended() === 4108)
})

it('who has no room for ten seconds is closed with 4108', async () => {
  const { put, client, later, watch } = setUp()
  const slow = watch(client())
  await slow.live()
  slow.fill(LIMITS.highWaterBytes)
  put('a', 1)
  await settle()
  later(9_000)
  expect(slow.ended()).toBeUndefined()
  later(2_000)
  expect(slow.ended()).toBe(4108)
})

it('who asks and does not read is cut', async () => {
  const { client } = setUp()
  const deaf = client()
  await deaf.live()
  deaf.fill(LIMITS.hardBytes)
  deaf.connection.receive('{"t":"ping","n":1}')
  await until(() => deaf.ended() === 'cut')
})

it('who is silent is cut, and who never said hello is closed', async () => {
  const { client, later, watch } = setUp()
  const silent = watch(client())
  await silent.live()
  later(LIMITS.pingMs + 9_000)
  expect(silent.ended()).toBeUndefined()
  later(2_000)
  expect(silent.ended()).toBe('cut')
})

it('who comes from a pod that is further on is not sent older rows, and closed with 4201 after ten seconds', async () => {
  const { put, client, later, watch } = setUp()
  const first = client()
  await first.live()
  const snap = first.frames.find((frame) => frame.t === 'snap' && frame.last)
  const hashes = Buffer.from((snap?.t === 'snap' && snap.token) || '', 'base64url')
  const hash = (at: number): string => hashes.subarray(1 + 8 * at, 9 + 8 * at).toString('hex')
  const token = encodeToken({ epoch: hash(0), cohort: hash(1), selector: hash(2), offsets: [3] })
  const [ahead, patient] = [watch(client(token)), client(token)]
  await settle()
  put('old', 1)
  await settle()
  expect(ahead.values()).toEqual([])
  later(11_000)
  expect(ahead.ended()).toBe(4201)
  put('old', 2)
  put('new', 3)
  await until(() => patient.values().length > 0)
  expect(patient.values()).toEqual(['new=3'])
})

it('one connection too many is closed with 4109', () => {
  const { client } = setUp({ connections: 1 })
  expect(client().ended()).toBeUndefined()
  expect(client().ended()).toBe(4109)
})
