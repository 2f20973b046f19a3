import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createServer, type Server } from '../lib/server.ts'
import { type JavaProgram, javaFlags } from './java.ts'
import { type Properties, renderProperties } from './properties.ts'

/** Where a Connect worker listens, what it calls itself, and what it is connected to. */
export interface ConnectAddress {
  readonly listenHost: string
  readonly advertisedHost: string
  readonly port: number
  readonly brokerPort: number
  readonly plugins: string
}

/** A Connect worker with the connector plugins; not started yet. */
export async function createConnect(address: ConnectAddress, program: JavaProgram): Promise<Server> {
  const config = join(program.dir, 'connect.properties')
  await mkdir(program.dir, { recursive: true })
  await writeFile(config, renderProperties({ ...connectProperties(address), ...program.extra }))
  // With half of it, the snapshot of a big table spends its time collecting garbage.
  const flags = javaFlags(program.tuning, program.tuning === 'QuickStart' ? 512 : 1_024, program.logging)
  const main = 'org.apache.kafka.connect.cli.ConnectDistributed'
  const health = `http://127.0.0.1:${address.port}/health`
  return createServer({
    name: 'connect',
    command: ['java', ...flags, ...program.archive.flags, '-cp', program.classPath, main, config],
    cwd: program.dir,
    log: join(program.dir, 'connect.log'),
    ready: {
      withinMs: 120_000,
      // /health says 503 until the worker has joined its group and read its topics.
      probe: async (_log, signal) => (await fetch(health, { signal })).ok,
    },
    stop: { signal: 'SIGTERM', withinMs: 30_000 },
  })
}

/** The settings of a single worker for tests. */
export function connectProperties(address: ConnectAddress): Properties {
  const json = 'org.apache.kafka.connect.json.JsonConverter'
  const providers = 'org.apache.kafka.common.config.provider'
  return {
    'bootstrap.servers': `127.0.0.1:${address.brokerPort}`,
    'group.id': 'penstock-connect',
    listeners: `http://${address.listenHost}:${address.port}`,
    'rest.advertised.host.name': address.advertisedHost,
    'key.converter': json,
    'value.converter': json,
    'key.converter.schemas.enable': false,
    'value.converter.schemas.enable': false,
    'config.storage.topic': '_connect-configs',
    'offset.storage.topic': '_connect-offsets',
    'status.storage.topic': '_connect-status',
    'config.storage.replication.factor': 1,
    'offset.storage.replication.factor': 1,
    'status.storage.replication.factor': 1,
    'offset.storage.partitions': 1,
    'status.storage.partitions': 1,
    // A killed worker repeats at most a second of records.
    'offset.flush.interval.ms': 1_000,
    // A killed worker comes back when its old membership expires: after ten seconds by default.
    'session.timeout.ms': 4_000,
    'heartbeat.interval.ms': 1_000,
    // A worker that comes back takes its tasks at once: no other could have.
    'scheduled.rebalance.max.delay.ms': 0,
    'plugin.path': address.plugins,
    'plugin.discovery': 'service_load',
    'config.providers': 'file,directory,env',
    'config.providers.file.class': `${providers}.FileConfigProvider`,
    'config.providers.directory.class': `${providers}.DirectoryConfigProvider`,
    'config.providers.env.class': `${providers}.EnvVarConfigProvider`,
  }
}
