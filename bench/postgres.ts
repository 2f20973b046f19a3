/**
 * Capture of a PostgreSQL database on the real chain: `node bench/postgres.ts [rows [profile …]]`, by default 1,000,000 rows of
 * snapshot (a quarter of an hour, forty minutes at most), each latency profile next to a connector with Debezium's defaults on the same worker, and
 * what the operator costs at 50 Sources.
 */

import { terminalProgress } from '../dev/lib/run.ts'
import { startTestBed } from '../dev/testing.ts'
import { installKinds } from '../test/bed.ts'
import { type Figure, figure, report, versions } from './lib/report.ts'
import type { Measured } from './postgres/measure.ts'
import { runOnce } from './postgres/run.ts'
import { PROFILES } from './postgres/subjects.ts'

const RUN_LIMIT_MS = 40 * 60_000
const UNIT = 100_000
const rows = Number(process.argv[2] ?? 1_000_000)
if (!(rows >= UNIT && rows % UNIT === 0))
  throw new Error(`"${process.argv[2]}" is no number of rows: write a multiple of ${UNIT}`)

const profiles = PROFILES.filter((profile) => process.argv.length < 4 || process.argv.includes(profile))

const UNITS: readonly (readonly [ending: RegExp, unit: string])[] = [
  [/RowsPerSecond$/, '/s'],
  [/CallsPerSecond$/, '/s'],
  [/CpuSecondsPerMillionRows$/, 's'],
  [/Ms$/, 'ms'],
  [/Seconds$/, 's'],
  [/Percent$/, '%'],
  [/MiB$/, 'MiB'],
]
const figuresOf = (measured: Measured, suffix = ''): Readonly<Record<string, Figure>> =>
  Object.fromEntries(
    Object.entries(measured).map(([name, value]) => {
      const unit = UNITS.find(([ending]) => ending.test(name))?.[1] ?? ''
      return [name + suffix, figure([value], unit)]
    }),
  )

const signal = AbortSignal.timeout(RUN_LIMIT_MS)
const progress = terminalProgress()
const bed = await startTestBed({ progress, signal, data: { tuning: 'Throughput' } })
try {
  await installKinds(bed.addresses)
  const size = { rows, transactions: rows / 20, commits: 500, sources: 50, restMs: 30_000 }
  const found = await runOnce(bed.addresses, { ...size, profiles }, progress, signal)
  report('postgres', {
    runs: 1,
    command: ['node bench/postgres.ts', ...process.argv.slice(2)].join(' '),
    versions: versions(),
    figures: {
      ...Object.assign(
        {},
        ...[...found.profiles].map(([profile, measured]) =>
          figuresOf(measured, profile === 'Balanced' ? '' : profile),
        ),
      ),
      ...figuresOf(found.fleet),
    },
    peers: { 'Debezium’s defaults': figuresOf(found.peer) },
  })
} finally {
  await bed.discard()
}
