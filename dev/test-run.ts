import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type Progress, terminalProgress } from './lib/run.ts'

const ROOT = resolve(import.meta.dirname, '..')
const MINUTE = 60_000

/** One step of a test run. */
interface Step {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly withinMs: number
}

/** How many tests passed and failed. */
export interface Count {
  readonly passed: number
  readonly failed: number
}

/** What a step came to: its count, and a line for each failure. */
interface Outcome extends Count {
  readonly failures: readonly string[]
}

const vitest = ['vitest', 'run', '--project'] as const
const dev = [process.execPath, join(ROOT, 'dev', 'cli.ts')] as const

const PREPARATION: Step = { name: 'prepare', command: [...dev, 'prepare'], withinMs: 45 * MINUTE }
const QUICK: readonly Step[] = [
  { name: 'types, lint and format', command: ['npm', 'run', '--silent', 'check'], withinMs: 5 * MINUTE },
  { name: 'unit tests', command: [...vitest, 'unit'], withinMs: 10 * MINUTE },
]
/** Steps of a group run side by side. Integration tests mostly wait, and each half has servers of its own. */
const FULL: readonly (readonly Step[])[] = [
  ['1/2', '2/2'].map((half) => ({
    name: `integration tests, ${half}`,
    command: [...vitest, 'integration', `--shard=${half}`],
    withinMs: 40 * MINUTE,
  })),
  [{ name: 'end-to-end tests', command: [...vitest, 'e2e'], withinMs: 30 * MINUTE }],
]

/** The count in the closing line of a step's output; undefined for another line. */
export function readCount(line: string): Count | undefined {
  const [, passed, failed] = /^(\d+) passed, (\d+) failed\b/.exec(line) ?? []
  return passed === undefined ? undefined : { passed: Number(passed), failed: Number(failed) }
}

/** What a step adds to the whole: a step that ended badly without a failed test counts as one. */
export function countOf(step: { readonly count: Count | undefined; readonly endedWell: boolean }): Count {
  const { passed, failed } = step.count ?? { passed: 0, failed: 0 }
  return { passed, failed: step.endedWell ? failed : Math.max(failed, 1) }
}

async function runStep(step: Step, progress: Progress): Promise<Outcome> {
  progress(step.name)
  const [file, ...args] = step.command
  // Its own limit is told to the step as SIGTERM, and it dies with this process.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', file, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: step.withinMs,
  })
  const ended = once(child, 'close')
  let count: Count | undefined
  const failures: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    count = readCount(line) ?? count
    if (line.startsWith('failed: ')) failures.push(line)
    process.stdout.write(`${line}\n`)
  }
  const [code, killedBy] = (await ended) as [number | null, string | null]
  if (code !== 0) failures.push(`failed: ${step.name} ended with ${code ?? killedBy}`)
  return { ...countOf({ count, endedWell: code === 0 }), failures }
}

async function runAll(progress: Progress): Promise<Outcome> {
  const steps: Outcome[] = []
  // Compiling Kubernetes takes minutes on a new machine: meanwhile the quick steps run.
  const prepared = runStep(PREPARATION, progress)
  for (const step of QUICK) steps.push(await runStep(step, progress))
  const preparation = await prepared
  if (preparation.failed > 0) steps.push(preparation)
  for (const group of preparation.failed > 0 ? [] : FULL)
    steps.push(...(await Promise.all(group.map((step) => runStep(step, progress)))))
  const sum = (of: keyof Count) => steps.reduce((total, step) => total + step[of], 0)
  return { passed: sum('passed'), failed: sum('failed'), failures: steps.flatMap((step) => step.failures) }
}

if (import.meta.main) {
  const { passed, failed, failures } = await runAll(terminalProgress())
  if (failed > 0 || passed === 0) process.exitCode = 1
  for (const line of failures) process.stdout.write(`${line}\n`)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
}
