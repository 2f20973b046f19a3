import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Pool } from 'pg'

import { productImage } from '../dev/image.ts'
import type { Cluster, ClusterProvider, Tunnel } from '../dev/kubernetes/cluster.ts'
import { helmFolder } from '../dev/kubernetes/helm.ts'
import { run } from '../dev/lib/command.ts'
import type { Run } from '../dev/lib/run.ts'
import { PORTS } from './inside.ts'
import { LOGIN } from './schema.ts'

const ROOT = new URL('..', import.meta.url).pathname
const SAMPLES = join(ROOT, 'config/samples/shop')

/** Everything that the demo shows, up and running. */
export interface Shop {
  readonly cluster: Cluster
  /** The database, as its superuser. */
  readonly pool: Pool
  /** The database's port on this machine. */
  readonly databasePort: number
  /** Drives the servers beside the cluster, see dev/control.ts. */
  readonly controlSocket: string
  /** The gateway, as seen from this machine; opened when the sample is Ready. */
  openGateway(signal: AbortSignal): Promise<Tunnel>
  /** Runs kubectl and gives what it prints. */
  kubectl(args: readonly string[], signal: AbortSignal): Promise<string>
  /** Applies the sample's three objects and the Secret that they refer to. */
  applySample(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Brings up a cluster with the operator in it, and beside it PostgreSQL, Kafka and Connect. */
export async function startShop(
  options: Run & { readonly dir: string; readonly provider: ClusterProvider },
): Promise<Shop> {
  const { dir, provider, progress, signal } = options
  await mkdir(dir, { recursive: true })
  const image = productImage(options)
  // Whoever fails first is thrown below; the other's failure must not go unheard until then.
  image.catch(() => undefined)
  const cluster = await provider.create({ ...options, dir: join(dir, 'cluster') })
  try {
    const stack = await startInside(cluster, join(dir, 'data'), signal)
    try {
      progress('PostgreSQL, Kafka and Connect run beside the cluster')
      const built = await image
      await cluster.loadImage(built.archive, signal)
      await installChart(cluster, built.name, options)
      return await shopOf(cluster, stack, join(dir, 'data'), signal)
    } catch (error) {
      stack.kill()
      throw error
    }
  } catch (error) {
    await cluster.delete()
    throw error
  }
}

async function shopOf(
  cluster: Cluster,
  stack: ChildProcess,
  dataDir: string,
  signal: AbortSignal,
): Promise<Shop> {
  const database = await cluster.openTunnel({ kind: 'Host', port: PORTS.database }, signal)
  const pool = new Pool({
    host: '127.0.0.1',
    port: database.port,
    user: 'postgres',
    database: 'shop',
    max: 4,
    connectionTimeoutMillis: 5_000,
  })
  pool.on('error', () => undefined)
  const kubectl = (args: readonly string[], asked: AbortSignal) =>
    run(cluster.enter(['kubectl', ...args]), { withinMs: 120_000, signal: asked })
  return {
    cluster,
    pool,
    databasePort: database.port,
    controlSocket: join(dataDir, 'control.sock'),
    kubectl,
    openGateway: (asked) =>
      cluster.openTunnel({ kind: 'Service', namespace: 'shop', name: 'shop-gateway', port: 80 }, asked),
    applySample: async (asked) => {
      await kubectl(['create', 'namespace', 'shop'], asked).catch(() => undefined)
      await kubectl(
        [
          '-n',
          'shop',
          'create',
          'secret',
          'generic',
          'shop-db',
          ...Object.entries(LOGIN).map(([key, value]) => `--from-literal=${key}=${value}`),
        ],
        asked,
      ).catch(() => undefined)
      await kubectl(['apply', '-f', SAMPLES], asked)
    },
    close: async () => {
      await pool.end().catch(() => undefined)
      await database.close()
      await ended(stack)
      await cluster.delete()
    },
  }
}

/** Starts the servers beside the cluster; resolves when they are ready. */
async function startInside(cluster: Cluster, dir: string, signal: AbortSignal): Promise<ChildProcess> {
  const [command, ...args] = cluster.enter([
    process.execPath,
    join(ROOT, 'demo/inside.ts'),
    dir,
    cluster.hostName,
  ])
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], signal })
  child.on('error', () => undefined)
  for await (const line of createInterface({ input: child.stdout })) if (line === 'ready') return child
  throw new Error('PostgreSQL, Kafka and Connect did not start: see the lines above')
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

async function installChart(cluster: Cluster, image: string, options: Run): Promise<void> {
  const { progress, signal } = options
  const at = image.lastIndexOf(':')
  const helm = join(await helmFolder(options), 'helm')
  const sets = [
    `image.repository=${image.slice(0, at)}`,
    `image.tag=${image.slice(at + 1)}`,
    'image.pullPolicy=Never',
  ]
  await run(
    cluster.enter([
      ...([helm, 'upgrade', '--install', 'penstock', join(ROOT, 'charts/penstock')] as const),
      ...['--namespace', 'penstock-system', '--create-namespace', '--wait', '--timeout', '120s'],
      ...sets.flatMap((set) => ['--set', set]),
    ]),
    { withinMs: 150_000, signal },
  )
  progress('the operator is installed')
}
