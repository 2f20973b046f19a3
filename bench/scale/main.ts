/**
 * One operator and many objects, on a real API server and stand-ins for everything outside:
 * `node bench/scale/main.ts [--minutes=1] [sources:pipelines …]`, by default the curve up to 5,000 Sources and 10,000 Pipelines
 * (an hour), each with so many minutes at rest and as many of changes.
 * With Sources alone, the same is measured of a peer on controller-runtime.
 */
import { parseArgs } from 'node:util'
import { terminalProgress } from '../../dev/lib/run.ts'
import { type Figure, figure, report, versions } from '../lib/report.ts'
import type { Measured, Scale } from './measure.ts'
import { runOnce, runPeer } from './run.ts'

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
const CURVE = ['1000:0', '500:1000', '1000:2000', '2500:5000', '5000:10000']
const RUN_LIMIT_MS = 60 * 60_000

function scaleOf(text: string): Scale {
  const [sources = Number.NaN, pipelines = Number.NaN] = text.split(':').map(Number)
  if (!(sources > 0 && pipelines >= 0))
    throw new Error(`"${text}" is no size: write sources:pipelines, like 500:1000`)
  const [restMs, churnMs] = [minutes * 60_000, minutes * 60_000]
  return { sources, pipelines, settleMs: 30_000, restMs, churnMs, edits: 200, newLogin: true }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '1' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error(`--minutes=${values.minutes} is no number of minutes`)
const sizes = positionals.length > 0 ? positionals : CURVE
const progress = terminalProgress()
const figures: Record<string, Figure> = {}
const peer: Record<string, Figure> = {}
const take = (into: Record<string, Figure>, size: string, values: Measured) => {
  for (const [name, value] of Object.entries(values))
    into[`${name}At${size.replace(':', 'And')}`] = figure([value], UNITS[name] ?? '', GOALS[name])
}
/** After each size, so that what was measured stands if a later one comes to nothing. */
const tell = () =>
  report('scale', {
    runs: 1,
    command: `node bench/scale/main.ts --minutes=${minutes} ${sizes.join(' ')}`,
    versions: versions(),
    figures,
    peers: { 'controller-runtime': peer },
  })
for (const size of sizes) {
  const scale = scaleOf(size)
  const limit = () => AbortSignal.timeout(RUN_LIMIT_MS)
  progress(`${size}: ours`)
  take(figures, size, await runOnce(scale, progress, limit()))
  // The peer knows Sources alone.
  if (scale.pipelines === 0) {
    progress(`${size}: the same on controller-runtime`)
    take(peer, size, await runPeer(scale, progress, limit()))
  }
  tell()
}
