import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../lib/cache.ts'
import { run } from '../lib/command.ts'
import { createServer, type Server } from '../lib/server.ts'
import { type JavaProgram, javaFlags } from './java.ts'
import { type Properties, renderProperties } from './properties.ts'

/** Where a broker listens and what it calls itself. */
export interface BrokerAddress {
  readonly listenHost: string
  readonly advertisedHost: string
  readonly port: number
  readonly controllerPort: number
}

/** A Kafka broker and controller in one process, its storage formatted; not started yet. */
export async function createBroker(address: BrokerAddress, program: JavaProgram): Promise<Server> {
  const data = join(program.dir, 'kafka')
  const config = join(program.dir, 'broker.properties')
  await mkdir(program.dir, { recursive: true })
  await writeFile(config, renderProperties({ ...brokerProperties(address, data), ...program.extra }))
  if (!(await exists(join(data, 'meta.properties')))) await format(config, program)
  const flags = javaFlags(program.tuning, program.tuning === 'QuickStart' ? 256 : 512, program.logging)
  return createServer({
    name: 'broker',
    command: ['java', ...flags, ...program.archive.flags, '-cp', program.classPath, 'kafka.Kafka', config],
    cwd: program.dir,
    log: join(program.dir, 'broker.log'),
    ready: { withinMs: 90_000, probe: async (log) => (await log()).includes('Kafka Server started') },
    // Recording the class archive takes seconds of a clean stop.
    stop: { signal: 'SIGTERM', withinMs: 30_000 },
  })
}

/** The settings of a single broker for tests: one replica of everything, no waits meant for many members. */
export function brokerProperties(address: BrokerAddress, data: string): Properties {
  const { listenHost, advertisedHost, port, controllerPort } = address
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://${listenHost}:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${advertisedHost}:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    'num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    // A first group member waits three seconds for others by default.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    // A rebalance of the new consumer protocol takes one heartbeat: five seconds by default.
    'group.consumer.min.heartbeat.interval.ms': 500,
    'group.consumer.heartbeat.interval.ms': 500,
    // A killed broker comes back when its old registration expires: after nine seconds by default.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 400,
    'auto.create.topics.enable': false,
    'log.segment.bytes': 67_108_864,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'background.threads': 2,
  }
}

// A meta.properties written by hand boots too, but leaves every feature at level 0: the new consumer protocol and
// transactions of the second version would be refused.
async function format(config: string, program: JavaProgram): Promise<void> {
  const flags = javaFlags('QuickStart', 128, program.logging)
  await run(
    [
      'java',
      ...flags,
      '-cp',
      program.classPath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId(),
      '-c',
      config,
    ],
    { cwd: program.dir, withinMs: 60_000, signal: program.signal },
  )
}

// Kafka reads a leading dash as an option.
function clusterId(): string {
  return `P${randomBytes(16).toString('base64url').slice(1)}`
}
