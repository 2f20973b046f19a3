import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** A figure over several runs. `goal` is what it should stay below. */
export interface Figure {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly unit: string
  readonly goal?: number
  readonly met?: boolean
}

/** Median and range of a figure's values, one a run. */
export function figure(values: readonly number[], unit: string, goal?: number): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  const round = (value: number) => Math.round(value * 100) / 100
  const median = round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN)
  const range = { median, min: round(sorted[0] ?? Number.NaN), max: round(sorted.at(-1) ?? Number.NaN), unit }
  return goal === undefined ? range : { ...range, goal, met: median < goal }
}

/** The value below which the part `q` of the values lies. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** Prints a table of the figures and writes `bench/results/<name>.json`. */
export function report(
  name: string,
  result: {
    readonly runs: number
    readonly command: string
    readonly versions: Readonly<Record<string, string>>
    readonly figures: Readonly<Record<string, Figure>>
    readonly peers: Readonly<Record<string, Readonly<Record<string, Figure>>>>
  },
): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`
  const lines = Object.entries(result.figures).map(([key, value]) => row(key, value))
  for (const [peer, figures] of Object.entries(result.peers)) {
    for (const [key, value] of Object.entries(figures)) lines.push(row(`${key} (${peer})`, value))
  }
  process.stdout.write(
    `\n${machine}\n${JSON.stringify(result.versions)}\n${result.runs} runs\n\n${lines.join('\n')}\n`,
  )
  mkdirSync(join(ROOT, 'bench/results'), { recursive: true })
  const file = join(ROOT, 'bench/results', `${name}.json`)
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, ...result }, null, 2)}\n`)
}

function row(key: string, { median, min, max, unit, goal, met }: Figure): string {
  const verdict = goal === undefined ? '' : `  goal < ${goal}: ${met ? 'met' : 'MISSED'}`
  return `${key.padEnd(44)} ${String(median).padStart(9)} ${unit.padEnd(4)} [${min} … ${max}]${verdict}`
}

/** Versions of what a run rests on. */
export function versions(): Readonly<Record<string, string>> {
  const pom = readFileSync(join(ROOT, 'dev/data/pom.xml'), 'utf8')
  const property = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(pom)?.[1] ?? 'unknown'
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim()
  return {
    penstock: commit,
    node: process.version,
    kafka: property('kafka.version'),
    debezium: property('dbz.version'),
  }
}
