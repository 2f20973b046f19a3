import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

import type { QueueObserver } from './queue.ts'

/** What the loops count. */
export interface LoopMetrics {
  /** A reconcile of this key begins. */
  began(controller: string, key: string): void
  /** The reconcile of this key that began at `startedAt` (performance.now) has ended. */
  reconciled(
    controller: string,
    key: string,
    result: 'success' | 'requeue_after' | 'error',
    startedAt: number,
  ): void
  /** One that failed is to be tried again. */
  retried(controller: string): void
}

/** Metrics of a process under controller-runtime's names, so that dashboards made for it work. */
export interface RuntimeMetrics extends LoopMetrics {
  readonly registry: Registry
  /** What a controller's queue tells; its length is asked for when it is scraped. */
  queueOf(controller: string, depth: () => number): QueueObserver
  /** Shows how many reconciles of a controller may run at once. */
  workersOf(controller: string, count: number): void
  /** Counts a write to the API server. */
  wrote(what: 'status' | 'finalizer' | 'event' | 'object'): void
}

/** Seconds, as controller-runtime's own. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** A registry with the process's own metrics and those of the loops. */
export function createMetrics(): RuntimeMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const running = new Map<string, Map<string, number>>()
  const depths = new Map<string, () => number>()
  const { counter, histogram, gauge, readAt } = makers(registry)

  const total = counter('controller_runtime_reconcile_total', 'Reconciles by result.', [
    'controller',
    'result',
  ])
  const errors = counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed.')
  const time = histogram('controller_runtime_reconcile_time_seconds', 'Duration of a reconcile.')
  const most = gauge('controller_runtime_max_concurrent_reconciles', 'Reconciles that may run at once.')
  const adds = counter('workqueue_adds_total', 'Keys that were added.', ['name'])
  const retries = counter('workqueue_retries_total', 'Keys that were tried again.', ['name'])
  const waits = histogram('workqueue_queue_duration_seconds', 'How long a key waited for a worker.', ['name'])
  const works = histogram('workqueue_work_duration_seconds', 'How long a worker had a key.', ['name'])
  const writes = counter('penstock_api_writes_total', 'Writes to the API server by what they wrote.', [
    'what',
  ])
  readAt('workqueue_depth', 'Keys that wait for a worker.', 'name', depths, (depth) => depth())
  readAt('controller_runtime_active_workers', 'Workers at work.', 'controller', running, ({ size }) => size)
  readAt(
    'workqueue_unfinished_work_seconds',
    'Seconds of work that is still going on, all keys together.',
    'name',
    running,
    (keys) => seconds(keys).reduce((sum, each) => sum + each, 0),
  )
  readAt(
    'workqueue_longest_running_processor_seconds',
    'Seconds that the longest reconcile has been running.',
    'name',
    running,
    (keys) => Math.max(0, ...seconds(keys)),
  )

  return {
    registry,
    queueOf: (name, depth) => {
      depths.set(name, depth)
      running.set(name, new Map())
      return {
        added: () => adds.inc({ name }),
        waited: (ms) => waits.observe({ name }, ms / 1_000),
      }
    },
    workersOf: (controller, count) => most.set({ controller }, count),
    began: (controller, key) => void running.get(controller)?.set(key, performance.now()),
    reconciled: (controller, key, result, startedAt) => {
      const taken = (performance.now() - startedAt) / 1_000
      running.get(controller)?.delete(key)
      total.inc({ controller, result })
      if (result === 'error') errors.inc({ controller })
      time.observe({ controller }, taken)
      works.observe({ name: controller }, taken)
    },
    retried: (name) => retries.inc({ name }),
    wrote: (what) => writes.inc({ what }),
  }
}

function makers(registry: Registry) {
  const registers = [registry]
  return {
    counter: <Label extends string = 'controller'>(
      name: string,
      help: string,
      labelNames: readonly Label[] = ['controller' as Label],
    ) => new Counter({ name, help, labelNames, registers }),
    histogram: <Label extends string = 'controller'>(
      name: string,
      help: string,
      labelNames: readonly Label[] = ['controller' as Label],
    ) => new Histogram({ name, help, labelNames, buckets: BUCKETS, registers }),
    gauge: (name: string, help: string) =>
      new Gauge({ name, help, labelNames: ['controller'] as const, registers }),
    /** A gauge whose values are read when it is scraped. */
    readAt: <T>(
      name: string,
      help: string,
      label: string,
      sources: ReadonlyMap<string, T>,
      value: (source: T) => number,
    ) =>
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          for (const [key, source] of sources) this.set({ [label]: key }, value(source))
        },
      }),
  }
}

const seconds = (since: ReadonlyMap<string, number>): readonly number[] =>
  [...since.values()].map((start) => (performance.now() - start) / 1_000)
