/**
 * One operator and many objects, on a real API server and stand-ins for everything outside:
 * `node bench/scale/main.ts [sources …]`, by default the curve 1000 2000 5000.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startApiServer } from '../../dev/kubernetes/api-server.ts'
import { terminalProgress } from '../../dev/lib/run.ts'
import { type Figure, figure, report, versions } from '../lib/report.ts'
import { type Measured, measure } from './measure.ts'

const UNITS: Readonly<Record<string, string>> = {
  coldReadySeconds: 's',
  restartSyncSeconds: 's',
  restCpuPercent: '%',
  editP50Ms: 'ms',
  editP99Ms: 'ms',
  rssMiB: 'MiB',
}
const GOALS: Readonly<Record<string, number>> = { restWrites: 1, restartWrites: 1, tlsConnections: 11 }
const CRDS = join(import.meta.dirname, '../../crds')

async function run(sources: number): Promise<Measured> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-scale-'))
  const signal = AbortSignal.timeout(30 * 60_000)
  const api = await startApiServer({ dir, progress: terminalProgress(), signal })
  try {
    const kubectl = (...args: string[]) =>
      promisify(execFile)(api.kubectl, ['--kubeconfig', api.kubeconfig, ...args], { timeout: 60_000 })
    await kubectl('apply', '--server-side', '-f', CRDS)
    await kubectl('wait', '--for=condition=established', '--timeout=30s', '-f', CRDS)
    return await measure(
      { ...api, dir },
      { sources, restMs: sources < 1_000 ? 15_000 : 60_000, edits: sources < 1_000 ? 20 : 100 },
      signal,
    )
  } finally {
    await api.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

const sizes = process.argv.slice(2).map(Number)
const curve = sizes.length > 0 ? sizes : [1_000, 2_000, 5_000]
const figures: Record<string, Figure> = {}
for (const sources of curve) {
  for (const [name, value] of Object.entries(await run(sources)))
    figures[`${name}At${sources}`] = figure([value], UNITS[name] ?? '', GOALS[name])
}
report('scale', {
  runs: 1,
  command: `node bench/scale/main.ts ${curve.join(' ')}`,
  versions: versions(),
  figures,
  peers: {},
})
