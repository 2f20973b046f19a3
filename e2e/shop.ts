import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Client, createClient, type Subscription } from '@penstock/client'
import { Pool } from 'pg'
import { inject } from 'vitest'

import { runWriter } from '../demo/writer.ts'
import { type RemoteServer, remoteServer } from '../dev/control.ts'

/** A test's hold on the shop that all end-to-end tests share. */
export interface ShopUnderTest {
  readonly pool: Pool
  readonly client: Client
  readonly gatewayUrl: string
  kubectl(...args: string[]): Promise<string>
  /** SIGKILL to the containers of these pods; Kubernetes starts them again in the same pods. */
  killContainers(namespace: string, selector: string): Promise<void>
  server(name: 'broker' | 'connect' | 'database'): RemoteServer
  close(): Promise<void>
}

/** Takes hold of the shop. */
export function openShop(): ShopUnderTest {
  const { enter, databasePort, gatewayPort, controlSocket } = inject('shop')
  const pool = new Pool({
    host: '127.0.0.1',
    port: databasePort,
    user: 'postgres',
    database: 'shop',
    max: 4,
    connectionTimeoutMillis: 5_000,
  })
  pool.on('error', () => undefined)
  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`
  const client = createClient({ url: gatewayUrl })
  const inside = async (...command: string[]) => {
    const [file = '', ...args] = [...enter, ...command]
    return (await promisify(execFile)(file, args, { timeout: 120_000, maxBuffer: 16 * 1024 * 1024 })).stdout
  }
  return {
    pool,
    client,
    gatewayUrl,
    kubectl: (...args) => inside('kubectl', ...args),
    killContainers: async (namespace, selector) => {
      const path = 'jsonpath={.items[*].status.containerStatuses[*].containerID}'
      const ids = await inside('kubectl', '-n', namespace, 'get', 'pods', '-l', selector, '-o', path)
      for (const id of ids.split(' ').filter(Boolean)) {
        await inside('ctr', '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', id.replace('containerd://', ''))
      }
    },
    server: (name) => remoteServer(controlSocket, name),
    close: async () => {
      client.stop()
      await pool.end()
    },
  }
}

/** Lets the demo's writer run, 50 changes a second, while `work` does; the writer has ended when this returns. */
export async function whileWriting(shop: ShopUnderTest, work: () => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const writer = runWriter(shop.pool, 50, stop.signal)
  try {
    await work()
  } finally {
    stop.abort()
    await writer
  }
}

/** Asks until `probe` gives something; throws with `what` and the last answer after `withinMs`. */
export async function eventually<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + withinMs
  let last: unknown
  while (Date.now() < deadline) {
    try {
      const found = await probe()
      if (found !== undefined) return found
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  throw new Error(
    `${what}: not within ${withinMs / 1_000} s${last instanceof Error ? `, last: ${last.message}` : ''}`,
  )
}

/**
 * Writes a sentinel row, waits until the view has it, and gives view and table side by side as sorted lists of the
 * same texts: they are equal when nothing was lost, doubled or left over.
 */
export async function compareOrders(
  shop: ShopUnderTest,
  view: Subscription,
  withinMs: number,
): Promise<{ readonly view: readonly string[]; readonly table: readonly string[] }> {
  const sentinel = `sentinel ${Date.now()}`
  const { rows } = await eventually('the database takes a row', 60_000, () =>
    shop.pool.query<{ id: number }>('INSERT INTO orders (customer, total) VALUES ($1, 0) RETURNING id', [
      sentinel,
    ]),
  )
  const id = String(rows[0]?.id)
  await eventually(`order ${id} reaches the view`, withinMs, async () => view.getSnapshot(id))
  const table = await shop.pool.query<{ line: string }>(
    "SELECT id || ' ' || customer || ' ' || status || ' ' || total AS line FROM orders ORDER BY 1",
  )
  return {
    view: view
      .list()
      .map(({ row }) => `${row['id']} ${row['customer']} ${row['status']} ${row['total']}`)
      .sort(),
    table: table.rows.map(({ line }) => line).sort(),
  }
}
