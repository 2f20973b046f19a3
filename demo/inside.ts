import { mkdir, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Pool } from 'pg'

import { serveControl } from '../dev/control.ts'
import { writeSecret } from '../dev/data/secrets.ts'
import { startDataStack } from '../dev/data/stack.ts'
import { terminalProgress } from '../dev/lib/run.ts'
import { LOGIN, SERVER_SQL, SHOP_SQL } from './schema.ts'

/** Ports of the shop's servers: the sandbox has a network of its own. */
export const PORTS = { broker: 9092, controller: 9093, connect: 8083, database: 5432 } as const
/** Where the sample's Backbone says that workers find Secrets; below /run, which is the sandbox's own. */
const SECRETS_LINK = '/run/penstock/secrets'

/** Runs PostgreSQL, Kafka and Connect with the shop's database, inside a cluster, until SIGTERM. Prints `ready`. */
async function main(dir: string, hostName: string): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort())
  const stack = await startDataStack({
    dir,
    listenHost: '0.0.0.0',
    advertisedHost: hostName,
    fixedPorts: PORTS,
    progress: terminalProgress(),
    signal: stop.signal,
  })
  await mkdir(dirname(SECRETS_LINK), { recursive: true })
  await rm(SECRETS_LINK, { force: true })
  await symlink(stack.secretsDir, SECRETS_LINK)
  await writeSecret(stack, 'shop', 'shop-db', LOGIN)
  await execute('postgres', SERVER_SQL)
  await execute('shop', SHOP_SQL)
  const { broker, connect, database } = stack
  const control = await serveControl(join(dir, 'control.sock'), { broker, connect, database })
  process.stdout.write('ready\n')
  await aborted(stop.signal)
  await control.close()
  await stack.discard()
}

/** Waits for the signal; the servers alone do not keep this process alive. */
async function aborted(signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => undefined, 60_000)
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  clearInterval(alive)
}

async function execute(database: string, statements: readonly string[]): Promise<void> {
  const pool = new Pool({ host: '127.0.0.1', port: PORTS.database, user: 'postgres', database, max: 1 })
  try {
    for (const statement of statements) await pool.query(statement)
  } finally {
    await pool.end()
  }
}

if (import.meta.main) {
  const [dir, hostName] = process.argv.slice(2)
  if (!dir || !hostName) throw new Error('usage: inside.ts DIR HOST')
  await main(dir, hostName)
}
