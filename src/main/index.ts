import { hostname } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'

import { createLogger } from '../lib/log.ts'
import { messageOf } from '../lib/verdict.ts'

import { runGateway } from './gateway.ts'
import { collectSoon } from './memory.ts'
import { runOperator } from './operator.ts'
import type { Output } from './output.ts'
import { runPreflight } from './preflight.ts'
import { runProcessor } from './processor.ts'
import { runRender } from './render.ts'
import { runRole, untilStopped } from './role.ts'

const VERSION = '0.1.0'

const listen = (value: string): { host: string; port: number } => {
  const at = value.lastIndexOf(':')
  const port = Number(value.slice(at + 1))
  if (at < 0 || !Number.isInteger(port))
    throw new Error(`"${value}" is no address: write host:port, like 0.0.0.0:8080`)
  return { host: value.slice(0, at) || '0.0.0.0', port }
}

interface OperatorFlags {
  readonly listen: { readonly host: string; readonly port: number }
  readonly installation?: string
  readonly namespace?: string
  readonly image: string
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
}

interface GatewayFlags {
  readonly config: string
  readonly listen: ReturnType<typeof listen>
  readonly statusListen: ReturnType<typeof listen>
}

const program = new Command('penstock')
  .description('Change-data-capture pipelines on Kubernetes')
  .version(VERSION)
  .option(
    '--log-level <level>',
    'trace, debug, info, warn or error',
    process.env['PENSTOCK_LOG_LEVEL'] ?? 'info',
  )

program
  .command('operator')
  .description('watches Backbones, Sources and Pipelines, and makes them so')
  .option('--listen <host:port>', 'health and metrics', listen, listen('0.0.0.0:8080'))
  .option(
    '--image <name>',
    'image of processors and gateways',
    process.env['PENSTOCK_IMAGE'] ?? 'penstock:dev',
  )
  .option(
    '--image-pull-policy <policy>',
    'Always, IfNotPresent or Never',
    process.env['PENSTOCK_IMAGE_PULL_POLICY'] ?? 'IfNotPresent',
  )
  .option(
    '--installation <name>',
    'prefix of the marks on what is ours; default: from the cluster',
    process.env['PENSTOCK_INSTALLATION'],
  )
  .option(
    '--namespace <name>',
    'of the operator itself: of the Lease by which one of several works, and of what cleanups need; default: neither',
    process.env['PENSTOCK_NAMESPACE'],
  )
  .action(async (options: OperatorFlags) => {
    const log = createLogger('operator', program.opts<{ logLevel: string }>().logLevel)
    const { listen: at, installation, namespace, image, imagePullPolicy } = options
    const operator = {
      listen: at,
      image: { name: image, pullPolicy: imagePullPolicy },
      log,
      ...(installation ? { installation } : {}),
      ...(namespace ? { namespace } : {}),
    }
    collectSoon()
    await runRole((stopped) => runOperator(operator, stopped))
  })

program
  .command('processor')
  .description('computes the flows of one Pipeline')
  .requiredOption('--config <file>', 'what the operator wrote')
  .option('--listen <host:port>', 'status, health and metrics', listen, listen('0.0.0.0:9090'))
  .action(async (options: { readonly config: string; readonly listen: ReturnType<typeof listen> }) => {
    const log = createLogger('processor', program.opts<{ logLevel: string }>().logLevel)
    const instanceId = process.env['POD_NAME'] ?? hostname()
    const processor = {
      configFile: options.config,
      listen: options.listen,
      instanceId,
      version: VERSION,
      log,
    }
    await runRole((stopped) => runProcessor(processor, stopped))
  })

program
  .command('gateway')
  .description('serves the views of one Pipeline')
  .requiredOption('--config <file>', 'what the operator wrote')
  .option('--listen <host:port>', 'clients', listen, listen('0.0.0.0:8080'))
  .option('--status-listen <host:port>', 'status, health and metrics', listen, listen('0.0.0.0:9090'))
  .action(async (options: GatewayFlags) => {
    const log = createLogger('gateway', program.opts<{ logLevel: string }>().logLevel)
    const { config, listen: at, statusListen } = options
    const gateway = { configFile: config, listen: at, statusListen, version: VERSION, log }
    await runRole((stopped) => runGateway(gateway, stopped))
  })

interface LookFlags {
  readonly file: readonly string[]
  readonly namespace?: string
  readonly host?: string
  readonly port?: number
  readonly output: Output
}

/** A command that looks at the Sources of files and writes nothing. */
const looking = (name: string, description: string, outputs: readonly Output[]): Command =>
  program
    .command(name)
    .description(description)
    .requiredOption(
      '-f, --file <file...>',
      'YAML of a Source, its Backbone and Secrets; - for standard input',
    )
    .option('-n, --namespace <name>', 'of objects that name none; default: that of the kubeconfig')
    .option('--host <name>', 'where the database is reached from here, if not at postgres.host')
    .option('--port <number>', 'likewise', portNumber)
    .addOption(new Option('-o, --output <format>', 'how to print').choices([...outputs]).default(outputs[0]))

function portNumber(value: string): number {
  const port = Number(value)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('write a number from 1 to 65535.')
  return port
}

const lookOptions = ({ file, namespace, host, port }: LookFlags) => ({
  files: file,
  ...(namespace ? { namespace } : {}),
  reach: { ...(host ? { host } : {}), ...(port ? { port } : {}) },
})

/** Exit code of a command that could not look. */
const COULD_NOT_LOOK = 2

const print = (text: string): void => void process.stdout.write(text)

async function exitWith(code: Promise<number>): Promise<void> {
  process.exitCode = await code.catch((error: unknown) => {
    process.stderr.write(`penstock: ${messageOf(error, 4_000)}\n`)
    return COULD_NOT_LOOK
  })
}

looking('preflight', 'says what would keep a Source from working; exit code 1 with an Error among it', [
  ...(['table', 'json', 'yaml'] as const),
]).action((options: LookFlags) =>
  exitWith(runPreflight({ ...lookOptions(options), output: options.output }, print, untilStopped())),
)

looking('render', 'prints what would be made of a Source: topics, SQL, connector', ['yaml', 'json'])
  .option('--diff', 'also what of it is not so yet', false)
  .action((options: LookFlags & { readonly diff: boolean }) => {
    const output = options.output === 'json' ? 'json' : 'yaml'
    return exitWith(runRender({ ...lookOptions(options), output, diff: options.diff }, print, untilStopped()))
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`penstock: ${messageOf(error)}\n`)
  process.exitCode = 1
})
