import { CLOSE_CODES, type ClientFrame, type ServerFrame } from '@penstock/protocol'
import { expect, test } from 'vitest'

import { createClient } from './client.ts'
import type { Socket, SocketHandlers } from './sockets.ts'

/** Stands for the network and the clock: sockets that a test answers by hand, and time that moves when it says so. */
function fakeSurroundings() {
  const sockets: { readonly sent: ClientFrame[]; readonly handlers: SocketHandlers; closed: boolean }[] = []
  let timers: { readonly at: number; readonly run: () => void }[] = []
  let now = 1_000_000
  return {
    sockets,
    at: (index: number) => {
      const socket = sockets.at(index)
      if (!socket) throw new Error(`no socket ${index}`)
      return socket
    },
    pass: (ms: number) => {
      now += ms
      const due = timers.filter(({ at }) => at <= now)
      timers = timers.filter(({ at }) => at > now)
      for (const { run } of due) run()
    },
    surroundings: {
      open: (_url: string, handlers: SocketHandlers): Socket => {
        const socket = { sent: [] as ClientFrame[], handlers, closed: false }
        sockets.push(socket)
        return {
          send: (text) => void socket.sent.push(JSON.parse(text) as ClientFrame),
          close: () => {
            socket.closed = true
          },
        }
      },
      setTimer: (run: () => void, ms: number) => {
        const timer = { at: now + ms, run }
        timers.push(timer)
        return () => {
          timers = timers.filter((other) => other !== timer)
        }
      },
      random: () => 0.5,
      now: () => now,
    },
  }
}

const welcome: ServerFrame = {
  t: 'welcome',
  v: 1,
  session: 'x',
  pingMs: 25_000,
  limits: { keys: 500, subs: 64, frame: 16_384 },
}
const say = (socket: { readonly handlers: SocketHandlers }, frame: ServerFrame) =>
  socket.handlers.onText(JSON.stringify(frame))
const turn = () => new Promise((resolve) => setTimeout(resolve))

async function liveClient(fake: ReturnType<typeof fakeSurroundings>) {
  const client = createClient({ url: 'http://gateway', token: 'secret', surroundings: fake.surroundings })
  const orders = client.view('orders').subscribe()
  await welcomeTo(fake, -1)
  return { client, orders }
}

async function welcomeTo(fake: ReturnType<typeof fakeSurroundings>, index: number) {
  fake.at(index).handlers.onOpen()
  await turn()
  say(fake.at(index), welcome)
}

test('says hello with its token, subscribes when welcome, and holds the rows that come', async () => {
  const fake = fakeSurroundings()
  const { client, orders } = await liveClient(fake)
  expect(fake.at(0).sent).toMatchObject([
    { t: 'hello', v: 1, token: 'secret' },
    { t: 'sub', view: 'orders', all: true },
  ])
  expect([client.status().state, orders.status().state]).toEqual(['Live', 'Loading'])
  say(fake.at(0), { t: 'snap', id: 's1', rows: [['1', { id: 1 }, 0, 5, 99]], last: true, token: 't1' })
  expect([orders.status().state, orders.getSnapshot('1')?.row]).toEqual(['Live', { id: 1 }])
})

test('comes back after a lost connection and resumes with the last token', async () => {
  const fake = fakeSurroundings()
  await liveClient(fake)
  say(fake.at(0), { t: 'snap', id: 's1', rows: [], last: true, token: 't1' })
  say(fake.at(0), { t: 'd', id: 's1', rows: [['1', { id: 1 }, 0, 6, 99]], token: 't2' })
  fake.at(0).handlers.onClose(1006)
  fake.pass(30_000)
  await welcomeTo(fake, 1)
  expect(fake.at(1).sent).toMatchObject([{ t: 'hello' }, { t: 'sub', id: 's1', resume: 't2' }])
})

test('a drain opens the new connection before the old one goes', async () => {
  const fake = fakeSurroundings()
  const { orders } = await liveClient(fake)
  say(fake.at(0), { t: 'snap', id: 's1', rows: [], last: true, token: 't1' })
  say(fake.at(0), { t: 'drain', afterMs: 4_000 })
  fake.pass(2_000)
  expect([fake.sockets.length, fake.at(0).closed]).toEqual([2, false])
  say(fake.at(0), { t: 'd', id: 's1', rows: [['1', { id: 1 }, 0, 6, 99]], token: 't2' })
  expect(orders.list()).toHaveLength(1)
  await welcomeTo(fake, 1)
  expect(fake.at(0).closed).toBe(true)
})

test('is closed for good by a code that says never', async () => {
  const fake = fakeSurroundings()
  const { client } = await liveClient(fake)
  fake.at(0).handlers.onClose(CLOSE_CODES.token)
  fake.pass(600_000)
  expect([client.status().state, fake.sockets.length]).toEqual(['Stopped', 1])
})

test('no pong for ten seconds: another connection', async () => {
  const fake = fakeSurroundings()
  await liveClient(fake)
  fake.pass(25_000)
  expect(fake.at(0).sent.at(-1)).toMatchObject({ t: 'ping' })
  fake.pass(10_000)
  expect([fake.sockets.length, fake.at(0).closed]).toEqual([2, true])
})

test('five resets within a minute: waits half a minute, and says that it is a loop', async () => {
  const fake = fakeSurroundings()
  const { client } = await liveClient(fake)
  for (let n = 0; n < 5; n++) say(fake.at(0), { t: 'reset', id: 's1', reason: 'token', all: true })
  expect(client.status()).toEqual({ state: 'Waiting', loop: true })
  fake.pass(30_000)
  expect(fake.sockets).toHaveLength(2)
})

test('resets of different subscriptions are no loop', async () => {
  const fake = fakeSurroundings()
  const { client } = await liveClient(fake)
  for (let n = 0; n < 5; n++) client.view(`v${n}`).subscribe()
  for (let n = 1; n <= 6; n++) say(fake.at(0), { t: 'reset', id: `s${n}`, reason: 'epoch', all: true })
  expect(client.status()).toEqual({ state: 'Live', loop: false })
})

test('what is refused for now is asked for again; what is refused for good has failed', async () => {
  const fake = fakeSurroundings()
  const { orders } = await liveClient(fake)
  say(fake.at(0), { t: 'err', id: 's1', code: 'view-unavailable', retry: 'backoff', afterMs: 500 })
  expect([fake.at(0).sent.length, orders.status().state]).toEqual([2, 'Loading'])
  fake.pass(500)
  expect(fake.at(0).sent.at(-1)).toMatchObject({ t: 'sub', id: 's1' })
  say(fake.at(0), { t: 'err', id: 's1', code: 'forbidden', retry: 'never' })
  expect(orders.status().state).toBe('Failed')
})
