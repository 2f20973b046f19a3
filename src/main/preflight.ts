import { preflightSides, type Side } from '../controllers/source/preflight.ts'
import { messageOf } from '../lib/verdict.ts'
import { type Finding, ordered } from '../sources/preflight.ts'
import { type LookOptions, lookAtSources, type Opened } from './laptop.ts'
import { document, type Output, table } from './output.ts'

/** What preflight found of one Source. */
interface Result {
  readonly source: string
  readonly findings: readonly Finding[]
  /** Systems that could not be asked, each with the reason. */
  readonly notAsked: readonly string[]
}

/**
 * Looks for everything that would keep the Sources of files from working, and prints it; writes nothing anywhere.
 * The exit code: 0 when they can start, 1 with an Error among the findings, 2 when something could not be asked.
 */
export async function runPreflight(
  options: LookOptions & { readonly output: Output },
  print: (text: string) => void,
  signal: AbortSignal,
): Promise<0 | 1 | 2> {
  const results = await lookAtSources(
    options,
    ({ metadata }, opened) => resultOf(`${metadata.namespace}/${metadata.name}`, opened, signal),
    signal,
  )
  print(options.output === 'table' ? results.map(readable).join('\n') : document(results, options.output))
  if (results.some(({ findings }) => findings.some(({ level }) => level === 'Error'))) return 1
  return results.some(({ notAsked }) => notAsked.length > 0) ? 2 : 0
}

async function resultOf(source: string, opened: Opened, signal: AbortSignal): Promise<Result> {
  const { services, open, parts } = opened
  const { database, others } = preflightSides(services, open, parts)
  const looks = await Promise.all([database, ...others].map((side) => lookOf(side, signal)))
  return {
    source,
    findings: ordered(looks.flatMap(({ findings }) => findings)),
    notAsked: looks.flatMap(({ notAsked }) => notAsked),
  }
}

async function lookOf(side: Side, signal: AbortSignal): Promise<Omit<Result, 'source'>> {
  try {
    return { findings: await side.look(signal), notAsked: [] }
  } catch (error) {
    signal.throwIfAborted()
    return { findings: [], notAsked: [`${side.what} could not be asked: ${messageOf(error)}`] }
  }
}

function readable({ source, findings, notAsked }: Result): string {
  const rows = findings.map(({ check, level, table: name = '', found, remedy }) => [
    ...[level, check, name || '-', found],
    remedy,
  ])
  const verdict =
    rows.length > 0
      ? `\n${table(['LEVEL', 'CHECK', 'TABLE', 'FOUND', 'REMEDY'], rows)}`
      : ` ${notAsked.length > 0 ? 'nothing found' : 'nothing stands in its way'}\n`
  return `Source ${source}:${verdict}${notAsked.map((line) => `${line}\n`).join('')}`
}
