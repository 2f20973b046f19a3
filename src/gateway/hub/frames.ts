import {
  ERROR_RETRY,
  type ErrFrame,
  type ErrorCode,
  MAX_OUTBOUND_BYTES,
  MAX_ROWS,
  type ServerFrame,
} from '@penstock/protocol'

/** A frame ready to be sent, with what metrics want to know of it. */
export interface OutFrame {
  readonly text: string
  readonly rows: number
  /** Oldest commit time among its rows, ms since 1970; absent for frames that are no live changes. */
  readonly oldestTs?: number
}

/** Room that is left for everything but the rows: id, token and field names. */
const FRAME_OVERHEAD = 8 * 1024

/** Most bytes of rows in one frame, so that with a long token it stays within the protocol's limit. */
export const ROW_BYTES = MAX_OUTBOUND_BYTES - FRAME_OVERHEAD

/** Collects rows, already encoded, up to what one frame may hold. */
export interface RowBatch {
  readonly count: number
  /** False when it does not fit any more; then it was not added. A row that can never fit is `TooLarge`. */
  add(wire: string, bytes: number, ts: number): 'Added' | 'Full' | 'TooLarge'
  snap(id: string, token: string | undefined): OutFrame
  delta(id: string, token: string | undefined): OutFrame
}

/** An empty batch. */
export function createRowBatch(): RowBatch {
  const wires: string[] = []
  let size = 0
  let oldestTs = Number.POSITIVE_INFINITY
  const frame = (t: string, id: string, rest: string): string =>
    `{"t":"${t}","id":${JSON.stringify(id)},"rows":[${wires.join(',')}]${rest}}`

  return {
    get count() {
      return wires.length
    },
    add(wire, bytes, ts) {
      if (bytes > ROW_BYTES) return 'TooLarge'
      if (wires.length >= MAX_ROWS || size + bytes + 1 > ROW_BYTES) return 'Full'
      wires.push(wire)
      size += bytes + 1
      oldestTs = Math.min(oldestTs, ts)
      return 'Added'
    },
    snap: (id, token) => ({
      text: frame('snap', id, token === undefined ? ',"last":false' : `,"last":true,"token":"${token}"`),
      rows: wires.length,
    }),
    delta: (id, token) => ({
      text: frame('d', id, token === undefined ? '' : `,"token":"${token}"`),
      rows: wires.length,
      oldestTs,
    }),
  }
}

/** A frame without rows. */
export function plainFrame(frame: ServerFrame): OutFrame {
  return { text: JSON.stringify(frame), rows: 0 }
}

/** An error frame with the retry class of its code. */
export function errFrame(code: ErrorCode, message: string, id?: string, afterMs?: number): ErrFrame {
  return {
    t: 'err',
    ...(id === undefined ? {} : { id }),
    code,
    retry: ERROR_RETRY[code],
    ...(afterMs === undefined ? {} : { afterMs }),
    message,
  }
}
