/**
 * One operator and many objects, on a real API server and stand-ins for everything outside:
 * `node bench/scale/main.ts [sources:pipelines …]`, by default the curve up to 5,000 Sources and 10,000 Pipelines (an hour).
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startApiServer } from '../../dev/kubernetes/api-server.ts'
import { terminalProgress } from '../../dev/lib/run.ts'
import { killServers } from '../../dev/lib/server.ts'
import { type Figure, figure, report, versions } from '../lib/report.ts'
import { type Measured, measure, type Scale } from './measure.ts'

const UNITS: Readonly<Record<string, string>> = {
  coldReadySeconds: 's',
  coldCpuSeconds: 's',
  restartSyncSeconds: 's',
  restartDriftSeconds: 's',
  secretFanoutSeconds: 's',
  restCpuPercent: '%',
  editP50Ms: 'ms',
  editP99Ms: 'ms',
  editP99DuringResyncMs: 'ms',
  rssMiB: 'MiB',
  rssAfterChurnMiB: 'MiB',
  heapMiB: 'MiB',
}
/** What a figure should stay below. */
const GOALS: Readonly<Record<string, number>> = {
  coldReadySeconds: 60,
  writesPerObject: 3.01,
  restWrites: 1,
  restCpuPercent: 2,
  restartWrites: 1,
  restartOutsideWrites: 1,
  restartSyncSeconds: 5,
  restartDriftSeconds: 60,
  editP50Ms: 100,
  editP99Ms: 500,
  editP99DuringResyncMs: 500,
  secretFanoutSeconds: 60,
  rssMiB: 250,
  tlsConnections: 11,
}
const CURVE = ['500:1000', '1000:2000', '2500:5000', '5000:10000']
const CRDS = join(import.meta.dirname, '../../crds')

function scaleOf(text: string): Scale {
  const [sources = Number.NaN, pipelines = Number.NaN] = text.split(':').map(Number)
  if (!(sources > 0 && pipelines >= 0))
    throw new Error(`"${text}" is no size: write sources:pipelines, like 500:1000`)
  const small = sources <= 500
  return {
    sources,
    pipelines,
    restMs: small ? 20_000 : 120_000,
    churnMs: small ? 10_000 : 120_000,
    edits: small ? 50 : 200,
  }
}

async function run(scale: Scale): Promise<Measured> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-scale-'))
  const signal = AbortSignal.timeout(60 * 60_000)
  const progress = terminalProgress()
  const api = await startApiServer({ dir, progress, signal })
  try {
    const kubectl = (...args: string[]) =>
      promisify(execFile)(api.kubectl, ['--kubeconfig', api.kubeconfig, ...args], { timeout: 60_000 })
    await kubectl('apply', '--server-side', '-f', CRDS)
    await kubectl('wait', '--for=condition=established', '--timeout=30s', '-f', CRDS)
    // Deployments and pods are the stand-in's.
    await killServers([api.controllerManager])
    return await measure({ ...api, dir }, scale, progress, signal)
  } finally {
    await api.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

const sizes = process.argv.length > 2 ? process.argv.slice(2) : CURVE
const figures: Record<string, Figure> = {}
for (const size of sizes) {
  for (const [name, value] of Object.entries(await run(scaleOf(size))))
    figures[`${name}At${size.replace(':', 'And')}`] = figure([value], UNITS[name] ?? '', GOALS[name])
}
report('scale', {
  runs: 1,
  command: `node bench/scale/main.ts ${sizes.join(' ')}`,
  versions: versions(),
  figures,
  peers: {},
})
