/** An open or opening socket. */
export interface Socket {
  send(text: string): void
  close(): void
}

/** What a socket reports. */
export interface SocketHandlers {
  onOpen(): void
  onText(text: string): void
  /** Called once, also when it could not be opened; `code` is the WebSocket's close code. */
  onClose(code: number): void
}

/** The socket in use and, while a new one is being opened, its predecessor, which goes on delivering. */
export interface Sockets {
  /** Opens a socket; the one in use becomes the predecessor. */
  dial(): void
  /** Closes the predecessor. */
  dropFormer(): void
  /** Closes both. */
  drop(): void
  /** Sends by the socket in use. */
  send(text: string): void
  /** Changes with every `dial` and `drop`: tells whether an answer is still wanted. */
  generation(): number
}

/** Sockets to one address. What becomes of a predecessor, but for what it delivers, means nothing any more. */
export function createSockets(open: (handlers: SocketHandlers) => Socket, handlers: SocketHandlers): Sockets {
  let current: Socket | undefined
  let former: Socket | undefined
  let generation = 0
  const dropFormer = () => {
    const old = former
    former = undefined
    old?.close()
  }
  return {
    dial: () => {
      dropFormer()
      former = current
      generation++
      const socket: Socket = open({
        onOpen: () => {
          if (socket === current) handlers.onOpen()
        },
        onText: (text) => {
          if (socket === current || socket === former) handlers.onText(text)
        },
        onClose: (code) => {
          if (socket !== current) return
          current = undefined
          handlers.onClose(code)
        },
      })
      current = socket
    },
    dropFormer,
    drop: () => {
      generation++
      dropFormer()
      const old = current
      current = undefined
      old?.close()
    },
    send: (text) => current?.send(text),
    generation: () => generation,
  }
}
