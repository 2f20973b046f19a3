import { evaluateRule } from '../../lib/cel-rules.ts'
import { isObject } from '../../lib/json.ts'
import { type KindDefinition, rootSchema } from './definition.ts'
import type { Rule } from './schema.ts'
import type { Schema } from './structural.ts'

/** One thing that is wrong with an object. */
export interface FieldError {
  /** Such as spec.tables[0].name. */
  readonly field: string
  readonly message: string
}

/** Everything for which an API server would refuse to create this object, in its own sentences where a rule has one. */
export function validate(definition: KindDefinition, object: unknown): readonly FieldError[] {
  return valueErrors(rootSchema(definition), object, '')
}

function valueErrors(schema: Schema, value: unknown, field: string): readonly FieldError[] {
  const errors = [...shapeErrors(schema, value, field), ...childErrors(schema, value, field)]
  // A rule may rest on everything below it.
  return errors.length > 0 ? errors : ruleErrors(schema, value, field)
}

function shapeErrors(schema: Schema, value: unknown, field: string): readonly FieldError[] {
  const wanted = schema['x-kubernetes-int-or-string'] ? 'a number or text' : TYPE_WORDS[schema.type ?? '']
  if (wanted && !isOfType(schema, value)) return [{ field, message: `is ${wordOf(value)}: write ${wanted}` }]
  if (schema.enum && !schema.enum.includes(value))
    return [{ field, message: `"${String(value)}" is not known: write ${schema.enum.join(' or ')}` }]
  const [size, unit] = sizeOf(value)
  const { minimum, maximum } = bounds(schema, value)
  if (size !== undefined && maximum !== undefined && size > maximum)
    return [{ field, message: `${size}${unit} is too much: at most ${maximum}` }]
  if (size !== undefined && minimum !== undefined && size < minimum)
    return [{ field, message: `${size}${unit} is too little: at least ${minimum}` }]
  return []
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

function isOfType(schema: Schema, value: unknown): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value)
  if (schema.type === 'integer') return Number.isInteger(value)
  if (schema.type === 'array') return Array.isArray(value)
  return schema.type === 'object' ? isObject(value) : typeof value === schema.type
}

function wordOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return isObject(value) ? 'an object' : JSON.stringify(value)
}

const sizeOf = (value: unknown): readonly [number | undefined, string] => {
  if (typeof value === 'string') return [value.length, ' characters']
  if (Array.isArray(value)) return [value.length, ' entries']
  return typeof value === 'number' ? [value, ''] : [undefined, '']
}

function bounds(schema: Schema, value: unknown): { readonly minimum?: number; readonly maximum?: number } {
  const [low, high] = Array.isArray(value)
    ? [schema['minItems'], schema.maxItems]
    : typeof value === 'string'
      ? [schema['minLength'], schema.maxLength]
      : [schema.minimum, schema.maximum]
  return {
    ...(typeof low === 'number' ? { minimum: low } : {}),
    ...(typeof high === 'number' ? { maximum: high } : {}),
  }
}

function childErrors(schema: Schema, value: unknown, field: string): readonly FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? value.flatMap((item, index) => valueErrors(items, item, `${field}[${index}]`)) : []
  }
  if (!isObject(value)) return []
  const { properties = {}, additionalProperties } = schema
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || !schema.properties
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
  const at = (name: string) => (field ? `${field}.${name}` : name)
  const missing = required.filter((name) => value[name] === undefined)
  return [
    ...missing.map((name) => ({ field: at(name), message: 'is missing: add it' })),
    ...Object.entries(value).flatMap(([name, child]) => {
      const known =
        properties[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
      if (known) return child === undefined ? [] : valueErrors(known, child, at(name))
      if (open || field === 'metadata') return []
      return [{ field: at(name), message: unknownField(name, Object.keys(properties)) }]
    }),
  ]
}

function unknownField(name: string, known: readonly string[]): string {
  const near = known.find((candidate) => candidate.toLowerCase() === name.toLowerCase())
  return near
    ? `is not known: write ${near}`
    : `is not known: take it away, or write one of ${known.join(', ')}`
}

/** Rules on a change need the former object, which only the API server has. */
function ruleErrors(schema: Schema, value: unknown, field: string): readonly FieldError[] {
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly Rule[]
  return rules
    .filter(({ rule }) => !rule.includes('oldSelf') && evaluateRule(rule, value) === false)
    .map(({ message, messageExpression, fieldPath = '' }) => ({
      field: `${field}${fieldPath}`,
      message: messageExpression ? String(evaluateRule(messageExpression, value)) : message,
    }))
}
