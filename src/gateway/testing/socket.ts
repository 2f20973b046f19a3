import { type ClientFrame, parseServerFrame, type RowChange, type ServerFrame } from '@penstock/protocol'
import { WebSocket } from 'ws'

import { until } from './gateway.ts'

/** A client by hand: it sends what a test says and keeps what comes. */
export interface TestSocket {
  readonly frames: readonly ServerFrame[]
  send(frame: ClientFrame | string): void
  /** The first frame that fits, also one that is still to come. */
  next<T extends ServerFrame['t']>(
    t: T,
    fits?: (frame: Extract<ServerFrame, { t: T }>) => boolean,
  ): Promise<Extract<ServerFrame, { t: T }>>
  /** Rows by key as the frames of one subscription give them. */
  rows(id: string): ReadonlyMap<string, unknown>
  /** The newest token of a subscription. */
  token(id: string): string | undefined
  readonly closed: { readonly code: number } | undefined
  readonly raw: WebSocket
  close(): void
}

/** Opens a socket and says hello. Every frame must be valid. */
export async function openSocket(
  url: string,
  over: { token?: string; origin?: string; silent?: boolean } = {},
): Promise<TestSocket> {
  const raw = new WebSocket(url, over.origin === undefined ? {} : { origin: over.origin })
  const frames: ServerFrame[] = []
  let closed: { code: number } | undefined
  raw.on('message', (data) => {
    const parsed = parseServerFrame(data.toString())
    if (parsed.type !== 'Frame') throw new Error(`not a frame: ${data.toString().slice(0, 200)}`)
    frames.push(parsed.frame)
  })
  raw.on('close', (code) => {
    closed = { code }
  })
  await new Promise<void>((resolve, reject) => {
    raw.once('open', resolve)
    raw.once('error', reject)
  })
  const socket: TestSocket = {
    frames,
    raw,
    get closed() {
      return closed
    },
    send: (frame) => raw.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    async next(t, fits = () => true) {
      type Wanted = Extract<ServerFrame, { t: typeof t }>
      const find = () => frames.find((frame): frame is Wanted => frame.t === t && fits(frame as Wanted))
      await until(() => find() !== undefined)
      return find() as Wanted
    },
    rows: (id) => rowsOf(frames, id),
    token: (id) =>
      frames.reduce<string | undefined>(
        (token, frame) =>
          'token' in frame && 'id' in frame && frame.id === id ? (frame.token ?? token) : token,
        undefined,
      ),
    close: () => raw.close(),
  }
  if (over.silent) return socket
  socket.send({ t: 'hello', v: 1, ...(over.token === undefined ? {} : { token: over.token }) })
  await until(() => frames.length > 0 || closed !== undefined)
  return socket
}

/** What a correct client makes of the frames of one subscription, on top of what it had. */
export function rowsOf(
  frames: readonly ServerFrame[],
  id: string,
  had: ReadonlyMap<string, RowChange> = new Map(),
): ReadonlyMap<string, unknown> {
  return new Map([...changesOf(frames, id, had)].map(([key, change]) => [key, change[1]]))
}

/** Like {@link rowsOf}, with each row's place. */
export function changesOf(
  frames: readonly ServerFrame[],
  id: string,
  had: ReadonlyMap<string, RowChange> = new Map(),
): ReadonlyMap<string, RowChange> {
  const rows = new Map(had)
  for (const frame of frames) {
    if (!('id' in frame) || frame.id !== id) continue
    if (frame.t === 'reset') {
      for (const [key, [, , p]] of [...rows]) {
        if ('all' in frame || frame.partitions.includes(p)) rows.delete(key)
      }
    }
    for (const change of frame.t === 'snap' || frame.t === 'd' ? frame.rows : []) {
      if (change[1] === null) rows.delete(change[0])
      else rows.set(change[0], change)
    }
  }
  return rows
}
