import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createConnect } from './data/connect.ts'
import { createDatabase } from './data/database.ts'
import { kafkaDistribution } from './data/distribution.ts'
import { classArchive, LOGGING, requireJava } from './data/java.ts'
import type { Properties } from './data/properties.ts'
import type { DataAddresses } from './data/stack.ts'
import { reservePorts } from './lib/ports.ts'
import type { Run } from './lib/run.ts'
import { killServers, type Server } from './lib/server.ts'
import { testFolder } from './lib/test-folder.ts'

/** A folder and ports for servers beside those of a bed. */
export interface Site {
  readonly dir: string
  readonly ports: readonly number[]
  readonly run: Run
  /** Has it end with the site. */
  add(server: Server): Server
  /** Ends its servers at once and removes their data. */
  discard(): Promise<void>
}

/** What a worker beside a bed is to be like. */
export interface WorkerWish {
  readonly name: string
  readonly port: number
  /** Workers of one group work together. */
  readonly group: string
  /** Whether it has the connector plugins, or only those that Kafka brings along. */
  readonly plugins: 'All' | 'None'
  readonly properties?: Properties
}

/** Opens a site with so many ports, at most 8. */
export async function openSite(ports: number, run: Run): Promise<Site> {
  const dir = await testFolder()
  const block = await reservePorts({ count: ports }, run.signal)
  const servers: Server[] = []
  return {
    dir,
    ports: block.ports,
    run,
    add: (server) => {
      servers.push(server)
      return server
    },
    discard: async () => {
      await killServers(servers)
      await block.release()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A Connect worker on the broker of a bed, in a group of its own; not started yet. */
export async function siteWorker(
  { dir: home, run, add }: Site,
  { bootstrapServers: [broker = ''] }: Pick<DataAddresses, 'bootstrapServers'>,
  { name, port, group, plugins, properties }: WorkerWish,
): Promise<Server> {
  const dir = join(home, name)
  const nothing = join(dir, 'plugins')
  await mkdir(nothing, { recursive: true })
  const logging = join(dir, 'log4j2.properties')
  await writeFile(logging, LOGGING)
  const { key, classPath, plugins: everything } = await kafkaDistribution(run)
  const archive = await classArchive('connect', key, await requireJava(run), dir)
  const hosts = { listenHost: '127.0.0.1', advertisedHost: '127.0.0.1' }
  const brokerPort = Number(broker.split(':').at(-1))
  const own = {
    'group.id': group,
    'config.storage.topic': `_${group}-configs`,
    'offset.storage.topic': `_${group}-offsets`,
    'status.storage.topic': `_${group}-status`,
  }
  const server = await createConnect(
    { ...hosts, port, brokerPort, plugins: plugins === 'All' ? everything : nothing },
    {
      dir,
      classPath,
      archive,
      tuning: 'QuickStart',
      logging,
      extra: { ...own, ...properties },
      signal: run.signal,
    },
  )
  return add(server)
}

/** A PostgreSQL server, or one that follows another until it is promoted; not started yet. */
export async function siteDatabase(
  { dir, run, add }: Site,
  { name, ...place }: { readonly name: string; readonly port: number; readonly primaryPort?: number },
): Promise<Server> {
  const own = join(dir, name)
  await mkdir(own, { recursive: true })
  return add((await createDatabase({ dir: own, listenHost: '127.0.0.1', ...place }, run)).server)
}
