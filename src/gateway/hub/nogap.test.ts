import type { RowChange, Selector, ServerFrame } from '@penstock/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'

import type { PartitionBatch } from '../../clients/kafka/types.ts'
import { LIMITS } from '../limits.ts'
import { createGatewayMetrics } from '../metrics.ts'
import { policyOf } from '../policy.ts'
import { testView } from '../testing/gateway.ts'
import { changesOf } from '../testing/socket.ts'
import { createView } from '../view/view.ts'
import { createHub, type Hub } from './hub.ts'
import { type ServedView, serveView } from './served.ts'

/** What may happen, in any order: to the source, to the connection, to the time between. */
type Act =
  | { readonly type: 'Put'; readonly key: number; readonly status: 'open' | 'done' | undefined }
  | { readonly type: 'Hole'; readonly partition: number }
  | { readonly type: 'Forget' }
  | { readonly type: 'Connect' }
  | { readonly type: 'Cut' }
  | { readonly type: 'Block'; readonly full: boolean }
  | { readonly type: 'Turn' }

const KEYS = 12
/** Frames that a transport takes before it has to be read. */
const FRAMES = 2
/** Two rows fill a frame, so that snapshots and changes take several. */
const FILLER = 'x'.repeat(20_000)
const PARTITIONS = 2

const acts = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constant('Put' as const),
        key: fc.nat(KEYS - 1),
        status: fc.constantFrom('open' as const, 'done' as const, undefined),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('Hole' as const), partition: fc.nat(PARTITIONS - 1) }),
    },
    { weight: 1, arbitrary: fc.constant({ type: 'Forget' as const }) },
    { weight: 2, arbitrary: fc.constant({ type: 'Connect' as const }) },
    { weight: 2, arbitrary: fc.constant({ type: 'Cut' as const }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('Block' as const), full: fc.boolean() }) },
    { weight: 3, arbitrary: fc.constant({ type: 'Turn' as const }) },
  ),
  // Long histories: with the default size they end before anything of interest has happened.
  { minLength: 20, maxLength: 120, size: 'max' },
)

/** A log in memory that is applied record by record, and the rows that are true. */
function createSource(allow: string | undefined) {
  const config = testView(allow === undefined ? {} : { allow })
  const policy = policyOf(config)
  const writer = createView(config, 'all', LIMITS)
  const ends: number[] = [0, 0]
  const truth = new Map<string, { status: string; n: number; filler: string }>()
  writer.begin('e'.repeat(16), ends)
  const apply = (partition: number, records: PartitionBatch['records']): void => {
    const end = BigInt(ends[partition] ?? 0)
    writer.apply({ topic: 't', partition, records, position: end, highWatermark: end, logStart: 0n }, 0)
  }
  for (const partition of ends.keys()) apply(partition, [])
  writer.learn({
    floors: new Map([
      [0, 0],
      [1, 0],
    ]),
  })
  return {
    writer,
    policy,
    truth,
    put(number: number, status: string | undefined): void {
      const [partition, key] = [number % PARTITIONS, `k${number}`]
      const offset = ends[partition] ?? 0
      ends[partition] = offset + 1
      const row = status === undefined ? undefined : { status, n: offset, filler: FILLER }
      if (row) truth.set(key, row)
      else truth.delete(key)
      const value = row && Buffer.from(JSON.stringify(row))
      apply(partition, [
        { key: Buffer.from(key), value, offset: BigInt(offset), timestamp: 1, headers: new Map() },
      ])
    },
    hole(partition: number): void {
      ends[partition] = (ends[partition] ?? 0) + 1
      apply(partition, [])
    },
    /** Deletes so far cannot be told any more. */
    forget: (): void => writer.learn({ floors: new Map(ends.entries()) }),
  }
}

/** A client that keeps rows and tokens as the protocol says, over a transport that a test can fill. */
function createPeer(hub: Hub, selector: Selector) {
  let had: ReadonlyMap<string, RowChange> = new Map()
  let frames: ServerFrame[] = []
  let token: string | undefined
  let full = false
  let room = FRAMES
  let connection: ReturnType<Hub['connect']> | undefined
  const settle = (): void => {
    had = changesOf(frames, 's', had)
    frames = []
  }
  const peer = {
    rows: () => changesOf(frames, 's', had),
    frames: () => frames,
    connect(): void {
      if (connection) return
      full = false
      room = FRAMES
      const mine = hub.connect({
        send: (text) => {
          if (connection !== mine) return
          room -= 1
          const frame = JSON.parse(text) as ServerFrame
          frames.push(frame)
          if (frame.t === 'reset') token = undefined
          if (frame.t === 'snap' || frame.t === 'd' || frame.t === 'progress') token = frame.token ?? token
        },
        buffered: () => (full || room <= 0 ? LIMITS.highWaterBytes : 0),
        close: () => lost(),
        terminate: () => lost(),
      })
      const lost = (): void => {
        if (connection !== mine) return
        settle()
        connection = undefined
      }
      connection = mine
      mine.receive(JSON.stringify({ t: 'hello', v: 1 }))
      if (token === undefined) had = new Map()
      mine.receive(
        JSON.stringify({ t: 'sub', id: 's', view: 'orders', ...selector, ...(token && { resume: token }) }),
      )
    },
    cut(): void {
      settle()
      const cut = connection
      connection = undefined
      cut?.closed()
    },
    /** The network took what was sent. */
    read(): void {
      room = FRAMES
      if (!full) connection?.drained()
    },
    block(now: boolean): void {
      full = now
      if (!full) connection?.drained()
    },
  }
  return peer
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

function serve(
  source: ReturnType<typeof createSource>,
  limits: typeof LIMITS,
): { hub: Hub; served: ServedView } {
  const metrics = createGatewayMetrics(false)
  const { signal } = new AbortController()
  const served = serveView(source.writer.view, source.policy, {
    limits,
    metrics,
    signal,
    askEnds: async () => [],
  })
  const authenticate = async () => ({ type: 'Accepted' as const, claims: {}, exp: undefined })
  const views = new Map([['orders', served]])
  return {
    served,
    hub: createHub({ views, authenticate, limits, metrics, now: Date.now, random: Math.random }),
  }
}

async function run(list: readonly Act[], selector: Selector, allow?: string): Promise<void> {
  const source = createSource(allow)
  // So few that the ladder of slow readers and large resumes are walked, too.
  const { hub } = serve(source, { ...LIMITS, tickMs: 0, dirtyKeys: 5, resumeRows: 6 })
  const peer = createPeer(hub, selector)
  const act = async (each: Act): Promise<void> => {
    switch (each.type) {
      case 'Put':
        return source.put(each.key, each.status)
      case 'Hole':
        return source.hole(each.partition)
      case 'Forget':
        return source.forget()
      case 'Connect':
        return peer.connect()
      case 'Cut':
        return peer.cut()
      case 'Block':
        return peer.block(each.full)
      case 'Turn':
        peer.read()
        return turn()
    }
  }
  try {
    for (const each of list) await act(each)
    const wanted = [...source.truth].filter(([key, { status }]) => {
      if (allow !== undefined && status !== 'open') return false
      if ('keys' in selector) return selector.keys.includes(key)
      return 'all' in selector || status === selector.where['status']
    })
    const check = async (): Promise<void> => {
      for (let waits = 0; waits < 16; waits += 1) {
        peer.read()
        await turn()
      }
      const rows = [...peer.rows()].map(([key, change]) => [key, change[1]])
      expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(wanted))
    }
    // Once as it stands (a connection that was closed as too slow comes back), and once after coming back.
    peer.block(false)
    peer.connect()
    await check()
    peer.cut()
    await turn()
    peer.connect()
    await check()
  } finally {
    hub.stop()
  }
}

it.each<[string, Selector, string | undefined]>([
  ['everything', { all: true }, undefined],
  ['by an indexed field', { where: { status: 'open' } }, undefined],
  ['by keys', { keys: ['k0', 'k1', 'k2', 'k5'] }, undefined],
  ['everything under a policy by row', { all: true }, 'row.status == "open"'],
  ['by keys under a policy by row', { keys: ['k0', 'k1', 'k2'] }, 'row.status == "open"'],
])(
  'whatever happens, what a client holds in the end is what is true: %s',
  async (_, selector, allow) => {
    await fc.assert(
      fc.asyncProperty(acts, (list) => run(list, selector, allow)),
      { numRuns: 30 },
    )
  },
  60_000,
)
