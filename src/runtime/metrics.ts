import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the loops count. */
export interface LoopMetrics {
  /** One reconcile that began at `startedAt` (performance.now) has ended. */
  reconciled(controller: string, result: 'success' | 'requeue_after' | 'error', startedAt: number): void
}

/** Metrics of a process under controller-runtime's names, so that dashboards made for it work. */
export interface RuntimeMetrics extends LoopMetrics {
  readonly registry: Registry
  /** Shows the length of a queue. */
  watchQueue(controller: string, depth: () => number): void
  /** Counts a write to the API server. */
  wrote(what: 'status' | 'finalizer' | 'event' | 'object'): void
}

/** A registry with the process's own metrics and those of the loops. */
export function createMetrics(): RuntimeMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const total = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by controller and result.',
    labelNames: ['controller', 'result'],
    registers,
  })
  const time = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Duration of a reconcile.',
    labelNames: ['controller'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  })
  const writes = new Counter({
    name: 'penstock_api_writes_total',
    help: 'Writes to the API server by what they wrote.',
    labelNames: ['what'],
    registers,
  })
  const depths = new Map<string, () => number>()
  new Gauge({
    name: 'workqueue_depth',
    help: 'Keys that wait for a worker.',
    labelNames: ['name'],
    registers,
    collect() {
      for (const [name, depth] of depths) this.set({ name }, depth())
    },
  })
  return {
    registry,
    reconciled: (controller, result, startedAt) => {
      total.inc({ controller, result })
      time.observe({ controller }, (performance.now() - startedAt) / 1_000)
    },
    watchQueue: (controller, depth) => void depths.set(controller, depth),
    wrote: (what) => writes.inc({ what }),
  }
}
