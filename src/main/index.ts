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
    '--installation <name>',
    'prefix of the marks on what is ours; default: from the cluster',
    process.env['PENSTOCK_INSTALLATION'],
  )
  .action(async (options: { listen: { host: string; port: number }; installation?: string }) => {
    const log = createLogger('operator', program.opts<{ logLevel: string }>().logLevel)
    await runOperator({ ...options, log }, untilStopped())
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`penstock: ${messageOf(error)}\n`)
  process.exitCode = 1
})
