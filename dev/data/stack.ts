import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { tryLock } from '../lib/lock.ts'
import { type PortBlock, readFirstPort, reservePorts, writeFirstPort } from '../lib/ports.ts'
import type { Run } from '../lib/run.ts'
import { killServers, type Server, stopAll } from '../lib/server.ts'
import { createBroker } from './broker.ts'
import { createConnect } from './connect.ts'
import { createDatabase } from './database.ts'
import { kafkaDistribution } from './distribution.ts'
import { type ClassArchive, classArchive, type JavaTuning, LOGGING, requireJava } from './java.ts'
import type { Properties } from './properties.ts'

/** The ports of a data stack. */
export interface DataPorts {
  readonly broker: number
  readonly controller: number
  readonly connect: number
  readonly database: number
}

/** What a data stack is to be like. */
export interface DataStackOptions extends Run {
  /** Holds its data and logs; one running stack per folder. */
  readonly dir: string
  /** Where servers listen; 127.0.0.1 unless told. */
  readonly listenHost?: string
  /** The host name that the broker and the worker give to clients; 127.0.0.1 unless told. */
  readonly advertisedHost?: string
  /** Ports that nothing else uses; free ones unless told, the same ones as before when they are still free. */
  readonly fixedPorts?: DataPorts
  readonly tuning?: JavaTuning
  readonly brokerProperties?: Properties
  readonly connectProperties?: Properties
}

/** Where a data stack is reached; plain data that can be handed to another thread or process. */
export interface DataAddresses {
  readonly bootstrapServers: readonly string[]
  readonly connectUrl: string
  /** The folder whose `<namespace>/<name>/<key>` files a `${directory:…}` reference of a connector reads. */
  readonly secretsDir: string
  readonly postgres: { readonly host: string; readonly port: number; readonly superuserUrl: string }
}

/** A running PostgreSQL, Kafka broker and Connect worker. */
export interface DataStack extends DataAddresses {
  readonly dir: string
  readonly broker: Server
  readonly connect: Server
  readonly database: Server
  /** Ends the servers in order and keeps their data. */
  stop(): Promise<void>
  /** Ends the servers at once and removes the folder. */
  discard(): Promise<void>
}

/**
 * Starts PostgreSQL, Kafka and Connect (5 s with a new folder, 3 s with an old one) and installs or fetches what the
 * machine lacks for them; throws when a server is not ready in time or another run uses the folder.
 */
export async function startDataStack(options: DataStackOptions): Promise<DataStack> {
  const dir = resolve(options.dir)
  await mkdir(dir, { recursive: true })
  const folder = await tryLock(join(dir, 'lock'), 'a data stack', options.signal)
  if (folder.kind === 'taken') throw new Error(`${dir} is in use by ${folder.by}`)
  const ports = await choosePorts(dir, options).catch(async (error) => {
    await folder.lock.release()
    throw error
  })
  const release = async () => {
    await ports.block?.release()
    await folder.lock.release()
  }
  try {
    return await startServers(dir, ports.chosen, options, release)
  } catch (error) {
    await release()
    throw error
  }
}

async function startServers(
  dir: string,
  ports: DataPorts,
  options: DataStackOptions,
  release: () => Promise<void>,
): Promise<DataStack> {
  const start = Date.now()
  const parts = await createServers(dir, ports, options)
  const { broker, connect, database, archives } = parts
  const servers = [database.server, broker, connect]
  const databaseReady = database.server.start(options.signal)
  try {
    await broker.start(options.signal)
    await connect.start(options.signal)
    await databaseReady
  } catch (error) {
    await Promise.allSettled([databaseReady])
    await killServers(servers)
    throw error
  }
  options.progress(
    `PostgreSQL, Kafka and Connect are ready after ${((Date.now() - start) / 1_000).toFixed(1)} s`,
  )
  const keepArchives = () => Promise.all(archives.map((archive) => archive.keep()))
  const recording = archives.some((archive) => archive.records)
  return {
    dir,
    ...addressesOf(dir, ports, options.advertisedHost ?? '127.0.0.1'),
    broker,
    connect,
    database: database.server,
    stop: async () => {
      await stopAll(servers)
      await keepArchives()
      await release()
    },
    discard: async () => {
      await (recording ? stopAll : killServers)(servers)
      await keepArchives()
      await release()
      await rm(database.data, { recursive: true, force: true })
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function createServers(dir: string, ports: DataPorts, options: DataStackOptions) {
  const { listenHost = '127.0.0.1', advertisedHost = '127.0.0.1', signal } = options
  const java = await requireJava(options)
  const distribution = await kafkaDistribution(options)
  await mkdir(join(dir, 'secrets'), { recursive: true })
  const logging = join(dir, 'log4j2.properties')
  await writeFile(logging, LOGGING)
  const archive = (name: string) => classArchive(name, distribution.key, java, dir)
  const archives = [await archive('broker'), await archive('connect')] as const
  const program = (own: ClassArchive, extra: Properties = {}) =>
    ({
      dir,
      classPath: distribution.classPath,
      archive: own,
      tuning: options.tuning ?? 'QuickStart',
      logging,
      extra,
      signal,
    }) as const
  const hosts = { listenHost, advertisedHost }
  const [broker, connect, database] = await Promise.all([
    createBroker(
      { ...hosts, port: ports.broker, controllerPort: ports.controller },
      program(archives[0], options.brokerProperties),
    ),
    createConnect(
      { ...hosts, port: ports.connect, brokerPort: ports.broker, plugins: distribution.plugins },
      program(archives[1], options.connectProperties),
    ),
    createDatabase({ dir, listenHost, port: ports.database }, options),
  ])
  return { broker, connect, database, archives }
}

function addressesOf(dir: string, ports: DataPorts, host: string): DataAddresses {
  return {
    bootstrapServers: [`${host}:${ports.broker}`],
    connectUrl: `http://${host}:${ports.connect}`,
    secretsDir: join(dir, 'secrets'),
    postgres: {
      host,
      port: ports.database,
      superuserUrl: `postgres://postgres@127.0.0.1:${ports.database}/postgres`,
    },
  }
}

async function choosePorts(
  dir: string,
  options: DataStackOptions,
): Promise<{ readonly chosen: DataPorts; readonly block?: PortBlock }> {
  if (options.fixedPorts) return { chosen: options.fixedPorts }
  const block = await reservePorts({ count: 4, before: await readFirstPort(dir) }, options.signal)
  const [broker = 0, controller = 0, connect = 0, database = 0] = block.ports
  await writeFirstPort(dir, broker)
  return { chosen: { broker, controller, connect, database }, block }
}
