import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ApiServer } from '../../dev/kubernetes/api-server.ts'
import type { KubeClient, KubeObject } from '../../src/runtime/kube.ts'
import { adminKube } from '../../test/operator/kube.ts'
import { startProxy } from '../../test/proxy.ts'
import { quantile } from '../lib/report.ts'
import { makeObjects, typeOf } from './objects.ts'
import { startOutside } from './outside.ts'
import { type MeasuredOperator, startMeasured } from './process.ts'

/** Values of one run, by the figure's name. */
export type Measured = Readonly<Record<string, number>>

/** How much is measured. */
export interface Scale {
  readonly sources: number
  readonly restMs: number
  readonly edits: number
}

const round = (value: number) => Math.round(value * 100) / 100
const WRITES = 'penstock_api_writes_total'

/** One run against an API server that holds no object of ours yet: cold start, rest, edits, restart. */
export async function measure(
  api: Pick<ApiServer, 'url' | 'kubeconfig'> & { readonly dir: string },
  scale: Scale,
  signal: AbortSignal,
): Promise<Measured> {
  const kube = await adminKube(api.kubeconfig)
  const outside = await startOutside()
  const apiPort = Number(new URL(api.url).port)
  const proxy = await startProxy(apiPort)
  const kubeconfig = join(api.dir, 'through-proxy.kubeconfig')
  const text = await readFile(api.kubeconfig, 'utf8')
  await writeFile(kubeconfig, text.replace(`:${apiPort}`, `:${proxy.port}`), { mode: 0o600 })
  const running: MeasuredOperator[] = []
  const start = async () => {
    const operator = await startMeasured(kubeconfig, outside.port)
    running.push(operator)
    return operator
  }
  try {
    await makeObjects(kube, scale.sources, outside.port, signal)
    const objects = scale.sources + Math.ceil(scale.sources / 100)
    const first = await start()
    await first.until('every object is Ready', 600_000, (metric) => metric('penstock_ready') === objects)
    const coldReadySeconds = (Date.now() - first.startedAt) / 1_000
    const written = (await first.metrics())(WRITES)
    const outsideWrites = outside.writes()
    await delay(20_000)
    const rest = await atRest(first, scale.restMs)
    const edits = await editAll(kube, scale.edits, signal)
    await first.stop()
    const before = outside.writes()
    const second = await start()
    await second.synced()
    const restartSyncSeconds = (Date.now() - second.startedAt) / 1_000
    await delay(scale.restMs)
    const after = await second.metrics()
    return {
      coldReadySeconds: round(coldReadySeconds),
      writesPerObject: round(written / objects),
      outsideWritesPerResource: round(outsideWrites / outside.resources()),
      restartWrites: after(WRITES) + outside.writes() - before,
      restartSyncSeconds: round(restartSyncSeconds),
      ...rest,
      editP50Ms: round(quantile(edits, 0.5)),
      editP99Ms: round(quantile(edits, 0.99)),
      tlsConnections: proxy.connections.most,
    }
  } finally {
    for (const operator of running) await operator.stop()
    await Promise.all([proxy.close(), outside.close(), kube.close()])
  }
}

async function atRest(operator: MeasuredOperator, ms: number): Promise<Measured> {
  const begin = await operator.metrics()
  const startedAt = Date.now()
  await delay(ms)
  const end = await operator.metrics()
  const seconds = (Date.now() - startedAt) / 1_000
  const grown = (name: string) => end(name) - begin(name)
  return {
    restWrites: grown(WRITES),
    restCpuPercent: round((grown('process_cpu_seconds_total') / seconds) * 100),
    restReconcilesPerSecond: round(grown('controller_runtime_reconcile_total') / seconds),
    rssMiB: round(end('process_resident_memory_bytes') / 2 ** 20),
  }
}

/** Milliseconds from each edit of a spec to the status that speaks of it. */
async function editAll(kube: KubeClient, count: number, signal: AbortSignal): Promise<readonly number[]> {
  const times: number[] = []
  for (let index = 0; index < count; index++) {
    const [namespace, name] = ['b0', `s${index % 100}`]
    const startedAt = performance.now()
    const spec = { thresholds: { lag: `${31 + index}s` } }
    const edited = await kube.merge(typeOf('sources'), namespace, name, { spec }, signal)
    for (;;) {
      const seen = await kube.get(typeOf('sources'), namespace, name, signal)
      if (observed(seen) === edited.metadata.generation) break
      if (performance.now() - startedAt > 30_000) throw new Error(`an edit of ${name} was not seen in 30 s`)
      await delay(2)
    }
    times.push(performance.now() - startedAt)
  }
  return times
}

const observed = (object: KubeObject | undefined): unknown =>
  (object?.status as { readonly observedGeneration?: number } | undefined)?.observedGeneration
