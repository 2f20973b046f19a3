import { LRUCache } from 'lru-cache'

import { hashOf } from '../lib/json.ts'

/** Something that holds connections. */
export interface Closable {
  close(): Promise<void>
}

/** Clients by what they connect to and as whom: the same address and login give the same client. */
export interface ClientPool {
  get<Address, Client extends Closable>(
    kind: string,
    address: Address,
    create: (address: Address) => Client,
  ): Client
  close(): Promise<void>
}

/** A pool of at most `max` clients; one that was not used for ten minutes, or has to make room, is closed. */
export function createClientPool(max: number): ClientPool {
  const clients = new LRUCache<string, Closable>({
    max,
    ttl: 600_000,
    updateAgeOnGet: true,
    ttlAutopurge: true,
    dispose: (client) => void client.close().catch(() => undefined),
  })
  return {
    get: <Address, Client extends Closable>(
      kind: string,
      address: Address,
      create: (address: Address) => Client,
    ) => {
      const key = `${kind} ${hashOf(address)}`
      const known = clients.get(key)
      if (known) return known as Client
      const client = create(address)
      clients.set(key, client)
      return client
    },
    close: async () => {
      const open = [...clients.values()]
      clients.clear()
      await Promise.allSettled(open.map((client) => client.close()))
    },
  }
}
