import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bundle } from '../../dev/bundle.ts'
import type { ApiServer } from '../../dev/kubernetes/api-server.ts'
import type { KubeClient } from '../../src/runtime/kube.ts'
import { adminKube } from '../../test/operator/kube.ts'
import { startProxy } from '../../test/proxy.ts'
import { quantile } from '../lib/report.ts'
import { startCluster } from './cluster.ts'
import {
  atOnce,
  core,
  countOf,
  loginOf,
  makeObjects,
  placeOf,
  type Size,
  tableOf,
  typeOf,
} from './objects.ts'
import { type Outside, startOutside } from './outside.ts'
import { type MeasuredOperator, startMeasured } from './process.ts'

/** Values of one run, by the figure's name. */
export type Measured = Readonly<Record<string, number>>

/** How much is measured. */
export interface Scale extends Size {
  /** From the last change until what it brought about has come to rest. */
  readonly settleMs: number
  readonly restMs: number
  readonly churnMs: number
  readonly edits: number
  /** Whether a Secret changes; that is noticed within 30 s. */
  readonly newLogin: boolean
}

/** What the parts of a run work with. */
interface Bench {
  readonly kube: KubeClient
  readonly outside: Outside
  readonly scale: Scale
  readonly progress: (line: string) => void
  readonly signal: AbortSignal
}

const round = (value: number) => Math.round(value * 100) / 100
const mib = (bytes: number) => round(bytes / 2 ** 20)
const WRITES = 'penstock_api_writes_total'
const RSS = 'process_resident_memory_bytes'
const CHANGES_PER_SECOND = 100
/** Rows trickle through every hundredth Pipeline. */
const isBusy = (pod: number) => pod % 100 === 0

/** One run against an API server that holds no object of ours yet: cold start, rest, edits, churn, a new login, restart. */
export async function measure(
  api: Pick<ApiServer, 'url' | 'kubeconfig'> & { readonly dir: string },
  scale: Scale,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Measured> {
  const kube = await adminKube(api.kubeconfig)
  const outside = await startOutside()
  const stop = new AbortController()
  const cluster = startCluster(kube, isBusy, AbortSignal.any([signal, stop.signal]))
  Object.assign(outside, { pods: cluster.status })
  const apiPort = Number(new URL(api.url).port)
  const proxy = await startProxy(apiPort)
  const kubeconfig = join(api.dir, 'through-proxy.kubeconfig')
  const text = await readFile(api.kubeconfig, 'utf8')
  await writeFile(kubeconfig, text.replace(`:${apiPort}`, `:${proxy.port}`), { mode: 0o600 })
  await bundle(api.dir, signal, 'bench/scale/operator.ts')
  const running: MeasuredOperator[] = []
  const start = async () => {
    const operator = await startMeasured(api.dir, kubeconfig, outside.port)
    running.push(operator)
    return operator
  }
  const bench: Bench = { kube, outside, scale, progress, signal }
  try {
    const first = await start()
    await first.synced()
    const cold = await coldStart(bench, first)
    progress(`Ready after ${cold['coldReadySeconds']} s`)
    await delay(scale.settleMs)
    const rest = await atRest(bench, first)
    progress(`at rest: ${rest['restWrites']} writes, ${rest['restCpuPercent']} % of a core`)
    const edits = await editAll(bench, 0)
    progress(
      `an edit in ${round(quantile(edits, 0.5))} ms, of a hundred one in ${round(quantile(edits, 0.99))}`,
    )
    const churn = scale.churnMs > 0 ? await churnSources(bench, first) : {}
    await delay(scale.settleMs)
    const fanout: Measured = scale.newLogin ? await fanOut(bench) : {}
    progress(`a new login everywhere after ${fanout['secretFanoutSeconds'] ?? '?'} s`)
    await delay(scale.settleMs)
    await first.stop()
    const again = await restart(bench, start)
    progress(`after a restart all is known in ${again['restartSyncSeconds']} s`)
    const quiet = await restartWithDrift(bench, start, running)
    progress(`what was changed meanwhile is put right in ${quiet['restartDriftSeconds']} s`)
    return {
      ...{ ...cold, ...rest, ...again, ...quiet, ...churn, ...fanout },
      editP50Ms: round(quantile(edits, 0.5)),
      editP99Ms: round(quantile(edits, 0.99)),
      tlsConnections: proxy.connections.most,
    }
  } finally {
    for (const operator of running) await operator.stop()
    stop.abort()
    await Promise.all([proxy.close(), outside.close(), kube.close()])
  }
}

async function coldStart(
  { kube, outside, scale, progress, signal }: Bench,
  operator: MeasuredOperator,
): Promise<Measured> {
  await makeObjects(kube, scale, outside.port, signal)
  const createdAt = Date.now()
  const objects = countOf(scale)
  progress(`${objects} objects made`)
  await operator.until('every object is Ready', 1_800_000, (metric) => metric('penstock_ready') === objects)
  const seconds = (Date.now() - createdAt) / 1_000
  const metric = await operator.metrics()
  return {
    coldReadySeconds: round(seconds),
    writesPerObject: round(
      (metric(`${WRITES}{what="status"}`) + metric(`${WRITES}{what="finalizer"}`)) / objects,
    ),
    outsideWritesPerResource: round(outside.writes() / outside.resources()),
    coldCpuSeconds: round(metric('process_cpu_seconds_total')),
  }
}

async function atRest({ scale }: Bench, operator: MeasuredOperator): Promise<Measured> {
  const begin = await operator.metrics()
  const startedAt = Date.now()
  await delay(scale.restMs)
  const end = await operator.metrics()
  const seconds = (Date.now() - startedAt) / 1_000
  const grown = (name: string) => end(name) - begin(name)
  return {
    restWrites: grown(WRITES),
    restCpuPercent: round((grown('process_cpu_seconds_total') / seconds) * 100),
    restReconcilesPerSecond: round(grown('controller_runtime_reconcile_total') / seconds),
    rssMiB: mib(end(RSS)),
    heapMiB: mib(end('nodejs_heap_size_used_bytes')),
  }
}

/** Milliseconds from each edit of a Source to the call that alters its topic. */
async function editAll({ kube, outside, scale, signal }: Bench, from: number): Promise<readonly number[]> {
  const times: number[] = []
  for (let index = 0; index < scale.edits; index++) {
    const number = (from + index * 37) % scale.sources
    const { namespace, name } = placeOf(number)
    const topic = `${namespace}.${name}.${tableOf(number)}`
    const startedAt = performance.now()
    const spec = { topics: { config: { 'max.message.bytes': 1_000_000 + from + index } } }
    await kube.merge(typeOf('sources'), namespace, name, { spec }, signal)
    while (outside.alteredAt(topic) < startedAt) {
      if (performance.now() - startedAt > 60_000)
        throw new Error(`an edit of ${name} was not acted upon in 60 s`)
      await delay(1)
    }
    times.push(outside.alteredAt(topic) - startedAt)
  }
  return times
}

/** A hundred changes a second that ask for no outside write. */
async function churnSources({ kube, scale, signal }: Bench, operator: MeasuredOperator): Promise<Measured> {
  const end = Date.now() + scale.churnMs
  for (let turn = 0; Date.now() < end; turn++) {
    const startedAt = Date.now()
    const jobs = Array.from({ length: CHANGES_PER_SECOND }, (_, index) => () => {
      const { namespace, name } = placeOf((turn * CHANGES_PER_SECOND + index) % scale.sources)
      const spec = { thresholds: { lag: `${31 + (turn % 100)}s` } }
      return kube.merge(typeOf('sources'), namespace, name, { spec }, signal)
    })
    await atOnce(8, jobs)
    await delay(Math.max(0, 1_000 - (Date.now() - startedAt)))
  }
  return { rssAfterChurnMiB: mib((await operator.metrics())(RSS)) }
}

/** Seconds from a new password in a Secret until every connector that uses it has been configured anew. */
async function fanOut({ kube, outside, scale, signal }: Bench): Promise<Measured> {
  const users = Array.from({ length: scale.sources }, (_, index) => placeOf(index)).filter(
    ({ namespace }) => namespace === 'n0',
  ).length
  const before = outside.configured()
  const startedAt = Date.now()
  await kube.merge(core('secrets'), 'n0', 'db', { data: loginOf('another') }, signal)
  while (outside.configured() - before < users) {
    if (Date.now() - startedAt > 300_000)
      throw new Error(`${outside.configured() - before} of ${users} connectors after 300 s`)
    await delay(50)
  }
  return { secretFanoutSeconds: round((Date.now() - startedAt) / 1_000) }
}

/** With everything Ready: how soon it knows all objects, how soon an edit is acted upon meanwhile, and what it writes. */
async function restart(bench: Bench, start: () => Promise<MeasuredOperator>): Promise<Measured> {
  const before = bench.outside.writes()
  const operator = await start()
  await operator.synced()
  const restartSyncSeconds = round((Date.now() - operator.startedAt) / 1_000)
  await delay(Math.min(bench.scale.restMs, 60_000))
  const written = (await operator.metrics())(WRITES)
  const outsideWritten = bench.outside.writes() - before
  await operator.stop()
  return { restartSyncSeconds, restartWrites: written, restartOutsideWrites: outsideWritten }
}

/** Connectors that were changed while it was down, and edits while it looks at everything. */
async function restartWithDrift(
  bench: Bench,
  start: () => Promise<MeasuredOperator>,
  running: readonly MeasuredOperator[],
): Promise<Measured> {
  const tampered = bench.outside.tamper(100)
  const operator = await start()
  await operator.synced()
  const [edits, seconds] = await Promise.all([editAll(bench, 1_000), putRight(tampered, operator.startedAt)])
  if (running.at(-1) !== operator) throw new Error('another operator runs')
  return { restartDriftSeconds: seconds, editP99DuringResyncMs: round(quantile(edits, 0.99)) }
}

/** Seconds from then until nothing is left as it was tampered with. */
async function putRight({ left }: { readonly left: () => number }, startedAt: number): Promise<number> {
  while (left() > 0) {
    if (Date.now() - startedAt > 300_000) throw new Error(`${left()} connectors are not put right`)
    await delay(50)
  }
  return round((Date.now() - startedAt) / 1_000)
}
