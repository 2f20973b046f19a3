import { Environment } from '@marcbachmann/cel-js'
import { isObject } from './json.ts'
import { bytesOf } from './size.ts'

/** Evaluates a CEL rule of a CRD over a JSON value `self`, with the functions of the API server that our rules use. */
export function evaluateRule(rule: string, self: unknown): unknown {
  return RULES.evaluate(rule, { self: celValue(self) })
}

const RULES = new Environment({ homogeneousAggregateLiterals: false })
  .registerVariable('self', 'dyn')
  .registerFunction('isQuantity(string): bool', (text: string) => isQuantity(text))
  .registerConstant('sets', 'map', new Map())
  .registerFunction('map.contains(list, list): bool', (_sets: unknown, all: unknown[], some: unknown[]) =>
    some.every((item) => all.includes(item)),
  )
  .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text))
  .registerFunction(
    'url(string): map',
    (text: string) => new Map([['scheme', new URL(text).protocol.slice(0, -1)]]),
  )
  .registerFunction('map.getScheme(): string', (url: Map<string, string>) => url.get('scheme') ?? '')

function isQuantity(text: string): boolean {
  try {
    return bytesOf(text) >= 0
  } catch {
    return false
  }
}

/** JSON knows one kind of number; to CEL a whole one is an int. */
function celValue(value: unknown): unknown {
  if (Number.isInteger(value)) return BigInt(value as number)
  if (Array.isArray(value)) return value.map(celValue)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, celValue(child)]))
}
