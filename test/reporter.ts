import type { Reporter, TestCase, TestModule, TestSpecification, TestSuite } from 'vitest/node'

/** What a run came to. */
interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The last line of a run: how many tests passed, failed and were skipped. A run without a test counts as failed. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** Counts tests by their result, and what broke outside a test (a file that cannot be loaded, a hook, an unhandled error) as failed. */
export function tally(modules: readonly TestModule[], unhandled: number): Tally {
  const states = modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => test.result().state),
  )
  const count = (wanted: string): number => states.filter((state) => state === wanted).length
  const broken = partsOf(modules).reduce((sum, part) => sum + part.errors().length, unhandled)
  return { passed: count('passed'), failed: count('failed') + broken, skipped: count('skipped') }
}

/** What errors outside of a test belong to. */
const partsOf = (modules: readonly TestModule[]): readonly (TestModule | TestSuite)[] =>
  modules.flatMap((module) => [module, ...module.children.allSuites()])

/** Each test that failed as one line: its file and name, and the first line of what broke. */
export function failedLines(
  modules: readonly TestModule[],
  unhandled: readonly { readonly message: string }[],
): readonly string[] {
  const failed = modules.flatMap((module) => [...module.children.allTests('failed')])
  return [
    ...unhandled.map(({ message }) => failedLine('outside of every test', message)),
    ...partsOf(modules).flatMap((part) =>
      part
        .errors()
        .map(({ message }) =>
          failedLine(part.type === 'module' ? part.relativeModuleId : nameOf(part), message),
        ),
    ),
    ...failed.map((test) => failedLine(nameOf(test), test.result().errors?.[0]?.message)),
  ]
}

function nameOf(part: TestCase | TestSuite): string {
  return `${part.module.relativeModuleId} > ${part.fullName}`
}

/** The line that tells of one failure; dev/test-run.ts gathers the lines that begin so. */
export function failedLine(name: string, message = 'no message'): string {
  return `failed: ${name}: ${message.split('\n', 1)[0]?.slice(0, 300)}`
}

const SLOW_MS = 20_000

/** Files that took longest, with their seconds; none where all are quick. */
function slowest(modules: readonly TestModule[]): readonly string[] {
  return modules
    .map((module) => ({ file: module.relativeModuleId, ms: module.diagnostic().duration }))
    .filter(({ ms }) => ms >= SLOW_MS)
    .sort((a, b) => b.ms - a.ms)
    .slice(0, 12)
    .map(({ file, ms }) => `${file} ${Math.round(ms / 1_000)} s`)
}

/** Ends a run with a plain line for each failure and one for the count, after whatever vitest prints, and fails a run in which nothing was run. */
export default function closingReporter(): Reporter {
  let planned = 0
  return {
    onTestRunStart: (specifications: readonly TestSpecification[]) => {
      planned = specifications.length
    },
    onTestRunEnd: (modules, errors) => {
      const result = tally(modules, errors.length)
      const nothing = result.passed + result.failed === 0
      if (nothing) process.exitCode = 1
      const slow = slowest(modules)
      const failures = failedLines(modules, errors)
      process.once('exit', () => {
        if (slow.length > 0) console.log(`slowest files: ${slow.join(', ')}`)
        for (const line of failures) console.log(line)
        if (nothing) console.error(`no test was run in ${planned} files`)
        console.log(closingLine(result))
      })
    },
  }
}
