import type { Step } from '../contracts/processor.ts'
import type { ChangeEvent, ColumnValue, Row } from '../contracts/row.ts'
import { textOf } from '../events/key.ts'
import {
  type CelColumns,
  type CelColumnType,
  type CelExpression,
  type CelOutcome,
  compileCel,
} from '../lib/cel.ts'

/** A row on its way through the steps. */
export interface Passing {
  readonly key: string
  readonly row: Row
  /** Columns that the source did not send: whoever needs one fails. */
  readonly unavailable: readonly string[]
}

/** Why a row did not get through. */
export interface StepFailure {
  readonly type: 'Failed'
  readonly error: 'StepFailed' | 'UnavailableValue'
  /** One sentence that names the step. */
  readonly message: string
}

/** What became of a row. */
export type StepResult =
  | { readonly type: 'Row'; readonly key: string; readonly row: Row }
  | { readonly type: 'Filtered' }
  | StepFailure

/** The steps of a flow for one of its inputs; without effects. */
export interface Program {
  run(start: Passing, event: ChangeEvent): StepResult
  /** Whether a step gives rows another key. */
  readonly rekeys: boolean
  /** Whether rows come out as they went in, but for dropped columns. */
  readonly keepsColumns: boolean
}

type StepOutcome = Passing | { readonly type: 'Filtered' } | StepFailure
type Verb = (passing: Passing, event: ChangeEvent) => StepOutcome

/** Checks and compiles steps for rows with these columns; the sentence says which step is wrong, and why. */
export function compileSteps(steps: readonly Step[], columns: CelColumns): CelOutcome<Program> {
  const verbs: Verb[] = []
  let known = columns
  for (const [at, step] of steps.entries()) {
    const compiled = compileStep(step, `step ${at + 1} (${verbOf(step)})`, known)
    if (!compiled.ok) return compiled
    verbs.push(compiled.value.verb)
    known = compiled.value.columns
  }
  return {
    ok: true,
    value: {
      run: (start, event) => runVerbs(verbs, start, event),
      rekeys: steps.some((step) => 'key' in step),
      keepsColumns: !steps.some((step) => 'map' in step),
    },
  }
}

function runVerbs(verbs: readonly Verb[], start: Passing, event: ChangeEvent): StepResult {
  let passing = start
  for (const verb of verbs) {
    const outcome = verb(passing, event)
    if ('type' in outcome) return outcome
    passing = outcome
  }
  const [missing] = passing.unavailable
  if (missing !== undefined) return unavailable('the output', missing)
  return { type: 'Row', key: passing.key, row: passing.row }
}

const verbOf = (step: Step): string => Object.keys(step)[0] ?? 'nothing'

interface CompiledStep {
  readonly verb: Verb
  /** Columns after the step. */
  readonly columns: CelColumns
}

function compileStep(step: Step, name: string, columns: CelColumns): CelOutcome<CompiledStep> {
  if ('filter' in step) return compileFilter(step.filter, name, columns)
  if ('map' in step) return compileMap(step.map, name, columns)
  if ('drop' in step) return { ok: true, value: dropStep(step.drop, columns) }
  if ('key' in step) return compileKey(step.key, name, columns)
  // What a reduce does depends on the kind of flow: see stream.ts and table.ts.
  return { ok: true, value: { verb: (passing) => passing, columns } }
}

function compileFilter(text: string, name: string, columns: CelColumns): CelOutcome<CompiledStep> {
  const compiled = compile(text, name, 'bool', columns)
  if (!compiled.ok) return compiled
  const verb: Verb = (passing, event) => {
    const outcome = evaluate(compiled.value, name, passing, event)
    if ('type' in outcome) return outcome
    return outcome.value === true ? passing : { type: 'Filtered' }
  }
  return { ok: true, value: { verb, columns } }
}

function compileKey(text: string, name: string, columns: CelColumns): CelOutcome<CompiledStep> {
  const compiled = compile(text, name, 'text', columns)
  if (!compiled.ok) return compiled
  const verb: Verb = (passing, event) => {
    const outcome = evaluate(compiled.value, name, passing, event)
    return 'type' in outcome ? outcome : { ...passing, key: textOf(outcome.value) }
  }
  return { ok: true, value: { verb, columns } }
}

function compileMap(
  fields: Readonly<Record<string, string>>,
  name: string,
  columns: CelColumns,
): CelOutcome<CompiledStep> {
  const expressions: [string, CelExpression][] = []
  const types: Record<string, CelColumnType> = {}
  for (const [field, text] of Object.entries(fields)) {
    const compiled = compile(text, `${name} ${field}`, 'any', columns)
    if (!compiled.ok) return compiled
    expressions.push([field, compiled.value])
    types[field] = columnType(compiled.value, columns)
  }
  const verb: Verb = (passing, event) => {
    const row: Record<string, ColumnValue> = {}
    for (const [field, expression] of expressions) {
      const outcome = evaluate(expression, `${name} ${field}`, passing, event)
      if ('type' in outcome) return outcome
      row[field] = outcome.value
    }
    return { key: passing.key, row, unavailable: [] }
  }
  return { ok: true, value: { verb, columns: columns && types } }
}

function dropStep(dropped: readonly string[], columns: CelColumns): CompiledStep {
  const gone = new Set(dropped)
  const keep = <T>(object: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(object).filter(([column]) => !gone.has(column)))
  const verb: Verb = ({ key, row, unavailable: missing }) => ({
    key,
    row: keep(row),
    unavailable: missing.filter((column) => !gone.has(column)),
  })
  return { verb, columns: columns && keep(columns) }
}

function compile(
  text: string,
  name: string,
  result: 'bool' | 'text' | 'any',
  columns: CelColumns,
): CelOutcome<CelExpression> {
  const compiled = compileCel(text, { place: 'step', result, ...(columns ? { columns } : {}) })
  return compiled.ok ? compiled : { ok: false, message: `${name}: ${compiled.message}` }
}

function evaluate(
  expression: CelExpression,
  name: string,
  passing: Passing,
  event: ChangeEvent,
): { readonly value: ColumnValue } | StepFailure {
  const missing = passing.unavailable.find(
    (column) => expression.reads === 'all' || expression.reads.has(column),
  )
  if (missing !== undefined) return unavailable(name, missing)
  const { op, before, ts } = event
  const outcome = expression.evaluate({ row: passing.row, before, op, ts, key: passing.key })
  if (outcome.ok) return { value: outcome.value }
  return { type: 'Failed', error: 'StepFailed', message: `${name}: ${outcome.message}` }
}

const unavailable = (name: string, column: string): StepFailure => ({
  type: 'Failed',
  error: 'UnavailableValue',
  message: `${name} needs column "${column}", which the source did not send: its table needs REPLICA IDENTITY FULL`,
})

/** The type of a mapped column: a plain column keeps its own, what is computed has the one that CEL gave it. */
function columnType({ plain, type }: CelExpression, columns: CelColumns): CelColumnType {
  if (plain !== undefined) return columns?.[plain] ?? 'any'
  switch (type) {
    case 'int':
      return 'int64'
    case 'bool':
    case 'double':
    case 'string':
      return type
    default:
      return 'any'
  }
}
