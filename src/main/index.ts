import { Command } from 'commander'

import { createLogger } from '../lib/log.ts'
import { messageOf } from '../lib/verdict.ts'
import { runOperator } from './operator.ts'

const VERSION = '0.1.0'

const listen = (value: string): { host: string; port: number } => {
  const at = value.lastIndexOf(':')
  const port = Number(value.slice(at + 1))
  if (at < 0 || !Number.isInteger(port))
    throw new Error(`"${value}" is no address: write host:port, like 0.0.0.0:8080`)
  return { host: value.slice(0, at) || '0.0.0.0', port }
}

/** Aborts on SIGTERM and SIGINT. */
function untilStopped(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => controller.abort(new Error(name)))
  return controller.signal
}

interface OperatorFlags {
  readonly listen: { readonly host: string; readonly port: number }
  readonly installation?: string
  readonly image: string
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
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
  .action(async (options: OperatorFlags) => {
    const log = createLogger('operator', program.opts<{ logLevel: string }>().logLevel)
    const { listen: at, installation, image, imagePullPolicy } = options
    await runOperator(
      {
        listen: at,
        image: { name: image, pullPolicy: imagePullPolicy },
        log,
        ...(installation ? { installation } : {}),
      },
      untilStopped(),
    )
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`penstock: ${messageOf(error)}\n`)
  process.exitCode = 1
})
