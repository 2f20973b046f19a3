import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js'

import { fieldOf, isComprehension, type Reads, readsOf, replaceNulls, walk } from './cel-ast.ts'
import {
  type CelColumns,
  type CelPlace,
  checkEnvironment,
  patternError,
  runEnvironment,
  SAFE_MATCHES,
} from './cel-env.ts'
import { type CelResult, type CelRow, fromCel, longList, MAX_LIST, toCel } from './cel-values.ts'

export type { CelColumns, CelColumnType, CelPlace } from './cel-env.ts'
export type { CelResult, CelRow } from './cel-values.ts'

/** Where an expression stands and what it must give. */
export interface CelKinds {
  /** `step`: row, before, op, ts (milliseconds), key. `allow`: row, claims. */
  readonly place: CelPlace
  /** `text` also takes integers and booleans. */
  readonly result: 'bool' | 'text' | 'any'
  /** Types of `row`'s columns; absent where unknown: then `row` is dynamic, and its numbers are doubles. */
  readonly columns?: CelColumns
}

/** What an expression is evaluated over; a variable that is left out is null. */
export interface CelInput {
  readonly row?: CelRow | undefined
  readonly before?: CelRow | undefined
  readonly op?: string
  readonly ts?: number
  readonly key?: string
  readonly claims?: Readonly<Record<string, unknown>>
}

/** An outcome: a value, or a sentence that says why there is none. */
export type CelOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string }

/** A checked expression. */
export interface CelExpression {
  /** The CEL type of its results, `dyn` where it depends on the values. */
  readonly type: string
  /** The column's name when the expression is just `row.column`. */
  readonly plain: string | undefined
  /** Columns of `row` that it reads. */
  readonly reads: Reads
  /** Never throws. Integers come out as texts, but for a plain `row.column`, which comes out as it went in. */
  evaluate(input: CelInput): CelOutcome<CelResult>
}

/** Longest source, in UTF-16 units. */
const MAX_SOURCE = 4_096

/**
 * Parses and checks an expression with the guards that make it safe to run what a user wrote: bounded size, one level
 * of comprehensions, patterns by RE2, types checked against the columns. A null literal fits every type.
 */
export function compileCel(text: string, kinds: CelKinds): CelOutcome<CelExpression> {
  if (text.length > MAX_SOURCE) {
    return { ok: false, message: `the expression has ${text.length} characters; ${MAX_SOURCE} are the most` }
  }
  try {
    return compile(text, kinds)
  } catch (error) {
    return { ok: false, message: sentence(error) }
  }
}

function compile(text: string, kinds: CelKinds): CelOutcome<CelExpression> {
  const run = runEnvironment(kinds.place)
  const program = run.parse(text)
  const refused = refusal(program.ast)
  if (refused) return { ok: false, message: refused }
  const checked = check(text, program.ast, kinds)
  if (!checked.ok) return checked
  rerouteMatches(program.ast)
  const type = checked.value
  const { ast } = program
  const [plain, reads] = [fieldOf(ast, 'row'), readsOf(ast, 'row')]
  return {
    ok: true,
    value: { type, plain, reads, evaluate: evaluator(program, kinds) },
  }
}

/** The type of the results, checked in the typed environment. */
function check(text: string, ast: ASTNode, { place, columns, result }: CelKinds): CelOutcome<string> {
  const claims = readsOf(ast, 'claims')
  if (claims === 'all') return { ok: false, message: 'claims can only be read by name, as in claims.sub' }
  const env = checkEnvironment(place, columns, claims)
  const typed = env.parse(text)
  // A typed column cannot be compared with a literal null, though any may be null: dyn(null) can.
  replaceNulls(typed.ast, () => dynamicNull(env))
  rerouteMatches(typed.ast)
  const { valid, type = 'dyn', error } = typed.check()
  if (!valid) return { ok: false, message: sentence(error) }
  const wanted = RESULTS[result]
  if (!wanted || wanted.has(type)) return { ok: true, value: type }
  return { ok: false, message: `it gives ${type}, where ${result} is needed` }
}

const RESULTS: Readonly<Record<CelKinds['result'], ReadonlySet<string> | undefined>> = {
  bool: new Set(['bool', 'dyn']),
  text: new Set(['string', 'int', 'bool', 'dyn']),
  any: undefined,
}

const dynamicNull = (env: Environment): ASTNode => env.parse('dyn(null)').ast

/** Why an expression that parses is refused all the same. */
function refusal(ast: ASTNode): string | undefined {
  for (const { node, depth } of walk(ast)) {
    if (isComprehension(node) && depth > 0) {
      return `map, filter, all and exists cannot stand inside one another (${place(node)})`
    }
    if (node.op !== 'rcall' || node.args[0] !== 'matches') continue
    const [pattern] = node.args[2]
    const wrong =
      pattern?.op === 'value' && typeof pattern.args === 'string' ? patternError(pattern.args) : undefined
    if (wrong) return `the pattern is not one of RE2: ${wrong} (${place(node)})`
  }
  return undefined
}

/** cel-js lets nobody replace a function of its own, so the call gets another name. */
function rerouteMatches(ast: ASTNode): void {
  for (const { node } of walk(ast)) {
    if (node.op === 'rcall' && node.args[0] === 'matches') node.args[0] = SAFE_MATCHES
  }
}

function evaluator(program: ParseResult, kinds: CelKinds): CelExpression['evaluate'] {
  const { columns, result } = kinds
  const plain = fieldOf(program.ast, 'row')
  const rowReads = readsOf(program.ast, 'row')
  const beforeReads = readsOf(program.ast, 'before')
  const loops = [...walk(program.ast)].some(({ node }) => isComprehension(node))

  return ({ row, before, op, ts, key, claims }) => {
    if (plain !== undefined && row && Object.hasOwn(row, plain)) {
      return expect(row[plain] as CelResult, result)
    }
    const context = {
      row: row ? toCel(row, rowReads, columns) : null,
      before: before ? toCel(before, beforeReads, columns) : null,
      op: op ?? null,
      ts: ts === undefined ? null : BigInt(Math.trunc(ts)),
      key: key ?? null,
      claims: claims ?? null,
    }
    if (loops && longList(context)) {
      return { ok: false, message: `a list has more than ${MAX_LIST} elements` }
    }
    try {
      return expect(fromCel(program(context)), result)
    } catch (error) {
      return { ok: false, message: sentence(error) }
    }
  }
}

function expect(value: CelResult, result: CelKinds['result']): CelOutcome<CelResult> {
  const kind = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`
  if (result === 'bool' && typeof value !== 'boolean')
    return { ok: false, message: `it gave ${kind}, not true or false` }
  if (result === 'text' && (value === null || typeof value === 'object')) {
    return { ok: false, message: `it gave ${kind}, not a text` }
  }
  return { ok: true, value }
}

/** What was thrown, as one sentence with the place in the expression; no stack, no picture. */
function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof RangeError) return 'the expression is nested too deeply'
  const text = 'summary' in error && typeof error.summary === 'string' ? error.summary : error.message
  return 'range' in error && isRange(error.range) ? `${text} (${place(error.range)})` : text
}

const place = ({ start }: { readonly start: number }): string => `at character ${start + 1}`

function isRange(value: unknown): value is { readonly start: number } {
  return typeof value === 'object' && value !== null && 'start' in value && typeof value.start === 'number'
}
