import { Counter, Gauge, Registry } from 'prom-client'

import type { HopLag } from '../contracts/workload.ts'
import type { Problem } from './semantics.ts'

/** What a flow counts. */
export interface FlowCounters {
  read(records: number): void
  wrote(records: number): void
  problem(error: Problem['error'] | 'State'): void
  restarted(): void
}

/** Metrics of a processor, in a registry of their own. */
export interface ProcessorMetrics {
  readonly registry: Registry
  flow(name: string, lag: () => HopLag): FlowCounters
}

/** Makes the metrics; names are stable, labels are `flow` and `error`. */
export function createMetrics(): ProcessorMetrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers })
  const read = counter('penstock_flow_records_read_total', 'Records of inputs that a flow has taken.', [
    'flow',
  ])
  const wrote = counter('penstock_flow_records_written_total', 'Output records acknowledged by Kafka.', [
    'flow',
  ])
  const problems = counter(
    'penstock_flow_errors_total',
    'Records not taken as they should have been, by class.',
    ['flow', 'error'],
  )
  const restarts = counter('penstock_flow_restarts_total', 'Times a flow began again after a failure.', [
    'flow',
  ])
  const lags = new Map<string, () => HopLag>()
  const gauge = (name: string, help: string, pick: (lag: HopLag) => number): Gauge<'flow'> =>
    new Gauge({
      name,
      help,
      labelNames: ['flow'],
      registers,
      collect() {
        for (const [flow, lag] of lags) this.set({ flow }, pick(lag()))
      },
    })
  gauge('penstock_flow_lag_records', 'Records of inputs not yet past a flow.', ({ records }) => records)
  gauge(
    'penstock_flow_lag_seconds',
    'Age of the oldest record not yet past a flow.',
    ({ seconds }) => seconds,
  )

  return {
    registry,
    flow(flow, lag) {
      lags.set(flow, lag)
      return {
        read: (records) => read.inc({ flow }, records),
        wrote: (records) => wrote.inc({ flow }, records),
        problem: (error) => problems.inc({ flow, error }),
        restarted: () => restarts.inc({ flow }),
      }
    },
  }
}
