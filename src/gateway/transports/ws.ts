import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { MAX_INBOUND_BYTES } from '@penstock/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

import type { Hub } from '../hub/hub.ts'
import type { Transport } from '../hub/transport.ts'
import { originAllowed } from './origin.ts'

/** Where clients connect. */
export const STREAM_PATH = '/v1/stream'

/** How long a peer may take to answer our goodbye before the line is cut. */
const GOODBYE_MS = 1_000

/** Takes over upgrades of an HTTP server: a refused origin is 403, another path 404. */
export function websocketUpgrade(
  hub: Hub,
  allowedOrigins: readonly string[],
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // Twice the protocol's limit: what is a little too large is refused by a frame with a reason.
    maxPayload: 2 * MAX_INBOUND_BYTES,
  })
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const path = new URL(request.url ?? '/', 'http://gateway').pathname
    if (path !== STREAM_PATH) return refuse(socket, 404, 'Not Found')
    if (!originAllowed(request.headers.origin, allowedOrigins)) return refuse(socket, 403, 'Forbidden')
    server.handleUpgrade(request, socket, head, (websocket) => attach(hub, websocket, socket))
  }
}

function attach(hub: Hub, websocket: WebSocket, socket: Duplex): void {
  const connection = hub.connect(transportOf(websocket, socket, () => connection.drained()))
  websocket.on('message', (data, binary) => {
    // A binary frame is no frame of ours; its bytes as text are refused as such.
    connection.receive(binary ? '' : data.toString())
  })
  websocket.on('close', () => connection.closed())
  websocket.on('error', () => websocket.terminate())
}

/** Frames of one turn go out in one write. */
function transportOf(websocket: WebSocket, socket: Duplex, drained: () => void): Transport {
  let corked = false
  return {
    send(text) {
      if (websocket.readyState !== websocket.OPEN) return
      if (!corked) {
        corked = true
        socket.cork()
        process.nextTick(() => {
          corked = false
          socket.uncork()
        })
      }
      websocket.send(text, drained)
    },
    buffered: () => websocket.bufferedAmount,
    close(code, reason) {
      websocket.close(code, reason)
      setTimeout(() => websocket.terminate(), GOODBYE_MS).unref()
    },
    terminate: () => websocket.terminate(),
  }
}

function refuse(socket: Duplex, status: number, text: string): void {
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
