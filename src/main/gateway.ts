import { readFile } from 'node:fs/promises'

import { createKafkaAdmin } from '../clients/kafka/admin.ts'
import { createPartitionReader } from '../clients/kafka/reader.ts'
import type { GatewayConfig } from '../contracts/gateway.ts'
import { remoteKeys } from '../gateway/auth.ts'
import { parseGatewayConfig } from '../gateway/config.ts'
import { startGateway } from '../gateway/gateway.ts'
import { LIMITS } from '../gateway/limits.ts'
import type { Listen } from '../gateway/transports/listen.ts'
import type { Logger } from '../lib/log.ts'
import { messageOf } from '../lib/verdict.ts'
import { readKafkaAccess } from './access.ts'

/** What `penstock gateway` is told. */
export interface GatewayArguments {
  /** Path of the configuration that the operator wrote. */
  readonly configFile: string
  /** For clients: `/v1/stream` and `/v1/views`. */
  readonly listen: Listen
  /** For probes, metrics and the operator: `/status`, `/healthz`, `/readyz`, `/metrics`; browsers must not reach it. */
  readonly statusListen: Listen
  /** Shown in the status. */
  readonly version: string
  readonly log: Logger
}

/** Over how long clients are sent elsewhere; with closing, all ends within ten seconds. */
const DRAIN_MS = 6_000

/**
 * Runs a gateway until the signal aborts, then sends its clients elsewhere and returns within ten seconds. Throws one
 * sentence when the configuration is unusable or an address is taken.
 */
export async function runGateway(
  { configFile, listen, statusListen, version, log }: GatewayArguments,
  signal: AbortSignal,
): Promise<void> {
  const config = await readConfig(configFile)
  const { namespace, name } = config.pipeline
  const connection = await readKafkaAccess(config.kafka, `penstock.${namespace}.${name}.gateway`)
  const admin = createKafkaAdmin(connection)
  const gateway = await startGateway({
    config,
    version,
    listen,
    statusListen,
    limits: LIMITS,
    admin,
    createReader: () => createPartitionReader(connection),
    keysOf: remoteKeys,
    log,
    now: Date.now,
    random: Math.random,
    observeProcess: true,
  })
  log.info(
    { port: gateway.port, statusPort: gateway.statusPort, views: config.views.length },
    'gateway started',
  )
  await aborted(signal)
  log.info('gateway stopping: clients are sent elsewhere')
  await gateway.stop(DRAIN_MS)
  await admin.close()
}

async function readConfig(file: string): Promise<GatewayConfig> {
  try {
    return parseGatewayConfig(await readFile(file, 'utf8'))
  } catch (error) {
    throw new Error(`the configuration ${file} cannot be used: ${messageOf(error)}`)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
