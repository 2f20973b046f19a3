import { Environment } from '@marcbachmann/cel-js'
import { RE2JS } from 're2js'

/** Types of single values; `any` is dynamic. */
export type CelScalarType =
  | 'bool'
  | 'int32'
  | 'int64'
  | 'decimal'
  | 'double'
  | 'string'
  | 'encoded'
  | 'json'
  | 'bytes'
  | 'time'
  | 'any'

/** Types of columns as an expression sees them; the names are those of the configuration. */
export type CelColumnType = CelScalarType | `${CelScalarType}[]`

/** Columns by name; undefined where they are unknown. */
export type CelColumns = Readonly<Record<string, CelColumnType>> | undefined

/** Sizes beyond which an expression is refused. */
const LIMITS = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 200,
  maxMapEntries: 100,
  maxCallArguments: 8,
}

/** The name under which `matches` runs: cel-js' own goes to V8, which a pattern can keep busy for seconds. */
export const SAFE_MATCHES = 'matchesRe2'

/** CEL types of columns: a decimal is its exact text; what has no CEL type is dynamic. */
const CEL_TYPES: Readonly<Record<CelScalarType, string>> = {
  bool: 'bool',
  int32: 'int',
  int64: 'int',
  decimal: 'string',
  double: 'double',
  string: 'string',
  encoded: 'string',
  json: 'string',
  bytes: 'string',
  time: 'string',
  any: 'dyn',
}

/** Whether a column holds arrays, and of what. */
export const elementType = (type: CelColumnType | undefined): CelScalarType | undefined =>
  type?.endsWith('[]') ? (type.slice(0, -2) as CelScalarType) : undefined

const celType = (type: CelColumnType): string =>
  elementType(type) === undefined ? CEL_TYPES[type as CelScalarType] : 'list'

/** Variables of a step of a flow, and of a view's `allow`. */
const VARIABLES = {
  step: ['row', 'before', 'op', 'ts', 'key'],
  allow: ['row', 'claims'],
} as const

/** Where an expression stands, which decides what it may name. */
export type CelPlace = keyof typeof VARIABLES

function baseEnvironment(): Environment {
  const env = new Environment({ homogeneousAggregateLiterals: false, limits: LIMITS })
  // Mixed arithmetic: a JSON number is a double, a literal such as 1 is an int.
  const mixed: readonly [string, (a: number, b: number) => number][] = [
    ['+', (a, b) => a + b],
    ['-', (a, b) => a - b],
    ['*', (a, b) => a * b],
    ['/', (a, b) => a / b],
  ]
  for (const [op, apply] of mixed) {
    const handler = (a: number | bigint, b: number | bigint): number => apply(Number(a), Number(b))
    env.registerOperator(`int ${op} double: double`, handler)
    env.registerOperator(`double ${op} int: double`, handler)
  }
  env.registerOperator('int == double', (a: bigint, b: number) => Number(a) === b)
  // A null or absent first value gives the second.
  env.registerFunction('coalesce(dyn, dyn): dyn', (a: unknown, b: unknown) => a ?? b)
  const find = matcher()
  env.registerFunction(`string.${SAFE_MATCHES}(string): bool`, find)
  return env
}

/** Finds RE2 patterns in texts; keeps the last 16 compiled ones. */
function matcher(): (text: string, pattern: string) => boolean {
  const compiled = new Map<string, RE2JS>()
  return (text, pattern) => {
    let re2 = compiled.get(pattern)
    if (!re2) {
      re2 = RE2JS.compile(pattern)
      const [oldest] = compiled.keys()
      if (compiled.size >= 16 && oldest !== undefined) compiled.delete(oldest)
      compiled.set(pattern, re2)
    }
    return re2.matcher(text).find()
  }
}

/** Checks that RE2 takes a pattern; the sentence says why not. */
export function patternError(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * The environment that types are checked in: columns and the claims `sub` and `iss` have their types, other claims that
 * the expression names are dynamic.
 */
export function checkEnvironment(
  place: CelPlace,
  columns: CelColumns,
  claims: Iterable<string>,
): Environment {
  const env = baseEnvironment()
  if (columns) {
    const fields = Object.entries(columns).map(([name, type]) => [name, celType(type)])
    env.registerType('Row', { fields: Object.fromEntries(fields) })
  }
  env.registerVariable('row', columns ? 'Row' : 'dyn')
  if (place === 'allow') {
    const others = [...claims].map((name) => [name, 'dyn'])
    env.registerType('Claims', { fields: { ...Object.fromEntries(others), sub: 'string', iss: 'string' } })
    return env.registerVariable('claims', 'Claims')
  }
  return env
    .registerVariable('before', 'dyn')
    .registerVariable('op', 'string')
    .registerVariable('ts', 'int')
    .registerVariable('key', 'string')
}

/** The environment that expressions run in: everything is dynamic, so that nulls are values like others. */
export function runEnvironment(place: CelPlace): Environment {
  const env = baseEnvironment()
  for (const name of VARIABLES[place]) env.registerVariable(name, 'dyn')
  return env
}
