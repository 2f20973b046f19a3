import type { SourceStatus } from '../api/source/index.ts'
import type { Health } from '../external/contract.ts'

/** One thing that preflight found: an Error keeps the Source from starting, a Warning never does. */
export interface Finding {
  /** CamelCase, stable, read by machines. */
  readonly check: string
  readonly level: 'Error' | 'Warning'
  /** Absent: it concerns the whole database. */
  readonly table?: string
  /** What is so; it must not change while nothing changes, or the status would be written again and again. */
  readonly found: string
  /** What repairs it, as SQL where there is a statement. */
  readonly remedy: string
  /** For an Error: only a change of the Source's spec repairs it. */
  readonly needsSpec?: boolean
}

/** What preflight came to, and everything that it found. */
export type Preflight = Health & { readonly findings: readonly Finding[] }

const SHOWN = 20

/** Errors before warnings, else as they were found. */
export function ordered(findings: readonly Finding[]): readonly Finding[] {
  const of = (wanted: Finding['level']) => findings.filter(({ level }) => level === wanted)
  return [...of('Error'), ...of('Warning')]
}

/** Ready when nothing found is an Error. Pure. */
export function preflightOf(all: readonly Finding[], tables: number): Preflight {
  const findings = ordered(all)
  const errors = findings.filter(({ level }) => level === 'Error')
  const warnings = findings.filter(({ level }) => level === 'Warning')
  // What heals by itself is not why a person has to help.
  const first = errors.find(({ needsSpec }) => needsSpec) ?? errors[0]
  if (!first) {
    const names = [...new Set(warnings.map(({ check }) => check))].join(', ')
    const captured = `${tables} tables can be captured`
    return names
      ? { type: 'Ready', reason: 'PassedWithWarnings', message: `${captured}; see ${names}`, findings }
      : { type: 'Ready', message: captured, findings }
  }
  const message = errors.map(({ found, remedy }) => `${found}: ${remedy}`).join(' · ')
  return first.needsSpec
    ? { type: 'Broken', reason: first.check, message, findings }
    : { type: 'NotReady', reason: first.check, message, afterMs: 15_000, findings }
}

/** Findings as the status shows them: at most 20, errors before warnings, of which the last sums up what has no room. */
export function preflightStatus({ findings }: Preflight): Pick<SourceStatus, 'preflight'> {
  if (findings.length === 0) return {}
  return {
    preflight: summedUp(findings).map(({ check, level, table = '', found, remedy }) => ({
      check,
      level,
      table,
      found: found.slice(0, 1_024),
      remedy: remedy.slice(0, 1_024),
    })),
  }
}

function summedUp(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= SHOWN) return findings
  const shown = findings.slice(0, SHOWN - 1)
  const rest = findings.slice(SHOWN - 1)
  const counts = (['Error', 'Warning'] as const).flatMap((wanted) => {
    const count = rest.filter(({ level }) => level === wanted).length
    return count > 0 ? [`${count} more of level ${wanted}`] : []
  })
  const sum: Finding = {
    check: 'MoreFindings',
    level: rest[0]?.level ?? 'Warning',
    found: `and ${counts.join(' and ')}`,
    remedy: 'penstock preflight -f shows all of them',
  }
  return [...shown, sum]
}
