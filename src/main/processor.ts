import { readFile } from 'node:fs/promises'

import type { ProcessorConfig } from '../contracts/processor.ts'
import type { Logger } from '../lib/log.ts'
import { messageOf } from '../lib/verdict.ts'
import { parseProcessorConfig } from '../processor/config.ts'
import type { Listen } from '../processor/http.ts'
import { runFlows } from '../processor/run.ts'
import { readKafkaAccess } from './access.ts'

/** What `penstock processor` is told. */
export interface ProcessorArguments {
  /** Path of the configuration that the operator wrote. */
  readonly configFile: string
  readonly listen: Listen
  /** Stable name of this replica: the pod's name. */
  readonly instanceId: string
  /** Shown in the status. */
  readonly version: string
  readonly log: Logger
}

/**
 * Runs a processor until the signal aborts, then finishes what it has in hand, commits, and returns within ten seconds.
 * Throws one sentence when the configuration is unusable.
 */
export async function runProcessor(
  { configFile, listen, instanceId, version, log }: ProcessorArguments,
  signal: AbortSignal,
): Promise<void> {
  const config = await readConfig(configFile)
  const { namespace, name } = config.pipeline
  const connection = await readKafkaAccess(config.kafka, `penstock.${namespace}.${name}.${instanceId}`)
  await runFlows({ config, connection, listen, instanceId, version, log }, signal)
}

async function readConfig(file: string): Promise<ProcessorConfig> {
  try {
    return parseProcessorConfig(await readFile(file, 'utf8'))
  } catch (error) {
    throw new Error(`the configuration ${file} cannot be used: ${messageOf(error)}`)
  }
}
