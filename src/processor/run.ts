import type { KafkaConnection } from '../clients/kafka/types.ts'
import type { FlowConfig, ProcessorConfig } from '../contracts/processor.ts'
import type { WorkloadStatus } from '../contracts/workload.ts'
import type { Logger } from '../lib/log.ts'
import { createMetrics } from './counters.ts'
import { runFlow } from './flow.ts'
import { type Listen, serveStatus } from './http.ts'
import { type FlowPrograms, planFlow } from './plan.ts'
import { createFlowStatus } from './status.ts'

/** What a processor is given. */
export interface ProcessorOptions {
  readonly config: ProcessorConfig
  readonly connection: KafkaConnection
  readonly listen: Listen
  /** Stable name of this process among the replicas, such as the pod's. */
  readonly instanceId: string
  readonly version: string
  readonly log: Logger
}

/**
 * Runs the flows of one configuration side by side until the signal aborts. Throws at once when a flow can never run;
 * whatever Kafka does is waited for, and shows in `GET /status`.
 */
export async function runFlows(options: ProcessorOptions, signal: AbortSignal): Promise<void> {
  const { config, connection, instanceId, log } = options
  const planned = config.flows.map((flow) => ({ flow, programs: plan(flow) }))
  const metrics = createMetrics()
  const flows = planned.map(({ flow, programs }) => {
    const status = createFlowStatus(flow.name, Date.now)
    return { flow, programs, status, counters: metrics.flow(flow.name, status.lag) }
  })
  const status = (): WorkloadStatus => ({
    role: 'processor',
    version: options.version,
    hash: config.hash,
    units: flows.map((each) => each.status.unit()),
  })
  const served = new AbortController()
  const port = await serveStatus(options.listen, { status, registry: metrics.registry }, served.signal)
  log.info({ port, hash: config.hash, flows: flows.map(({ flow }) => flow.name) }, 'processing')
  try {
    await Promise.all(flows.map((each) => runFlow({ ...each, connection, instanceId, log }, signal)))
    // Without flows there is nothing to wait for but the signal.
    if (flows.length === 0) await aborted(signal)
  } finally {
    served.abort()
  }
}

function plan(flow: FlowConfig): FlowPrograms {
  const planned = planFlow(flow)
  if (!planned.ok) throw new Error(planned.message)
  return planned.value
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
