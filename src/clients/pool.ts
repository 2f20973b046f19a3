import { LRUCache } from 'lru-cache'

import { hashOf } from '../lib/json.ts'

/** Something that holds connections; everything else that it has is a method too. */
export interface Closable {
  close(): Promise<void>
}

/** Clients by what they connect to and as whom: the same address and login give the same client. */
export interface ClientPool {
  /** Whoever has got one may call it for as long as it likes: one that was closed meanwhile is opened again. */
  get<Address, Client extends Closable>(
    kind: string,
    address: Address,
    create: (address: Address) => Client,
  ): Client
  close(): Promise<void>
}

const IDLE_MS = 600_000

/** A pool of at most `max` open clients; one that was not called for `idleMs`, or has to make room, is closed. */
export function createClientPool(max: number, idleMs: number = IDLE_MS): ClientPool {
  let ended = false
  const clients = new LRUCache<string, Closable>({
    max,
    ttl: idleMs,
    updateAgeOnGet: true,
    ttlAutopurge: true,
    dispose: (client) => {
      if (!ended) client.close().catch(() => undefined)
    },
  })
  // One for all who hold it: thousands of objects do.
  const handles = new LRUCache<string, Closable>({ max })
  return {
    get: <Address, Client extends Closable>(
      kind: string,
      address: Address,
      create: (address: Address) => Client,
    ) => {
      const key = `${kind} ${hashOf(address)}`
      const open = (): Client => {
        if (ended) throw new Error('the pool of clients is closed')
        const known = clients.get(key)
        if (known) return known as Client
        const client = create(address)
        clients.set(key, client)
        return client
      }
      const handle =
        (handles.get(key) as Client | undefined) ?? handleOf(open, () => void clients.delete(key))
      handles.set(key, handle)
      return handle
    },
    close: async () => {
      ended = true
      const open = [...clients.values()]
      clients.clear()
      await Promise.allSettled(open.map((client) => client.close()))
    },
  }
}

/** The methods of whichever client is open at the time of the call. */
function handleOf<Client extends Closable>(open: () => Client, drop: () => void): Client {
  const methodsOf = () => open() as unknown as Readonly<Record<string, Method>>
  const methods = Object.keys(methodsOf()).map((name) => {
    const call: Method = (...values) => methodsOf()[name]?.(...values)
    return [name, call] as const
  })
  return { ...(Object.fromEntries(methods) as unknown as Client), close: async () => drop() }
}

type Method = (...values: unknown[]) => unknown
