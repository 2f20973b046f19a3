import { describe, expect, it } from 'vitest'

import { type Schema, structural } from './structural.ts'

const text: Schema = { type: 'string', maxLength: 9 }
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })

describe('what an API server would refuse is refused with its path', () => {
  it.each<readonly [string, Schema, string]>([
    ['a text without a bound', object({ a: { type: 'string' } }), '(root).a: a text without maxLength'],
    [
      'a list without a bound',
      object({ a: { type: 'array', items: text } }),
      '(root).a: a list without maxItems',
    ],
    [
      'a map without a bound',
      object({ a: { type: 'object', additionalProperties: text } }),
      '(root).a: a map without maxProperties',
    ],
    [
      'inside a list',
      { type: 'array', maxItems: 1, items: object({ b: { type: 'string' } }) },
      '(root)[].b: a text without maxLength',
    ],
    [
      'inside a map',
      { type: 'object', maxProperties: 1, additionalProperties: { type: 'string' } },
      '(root){}: a text without maxLength',
    ],
    ['a keyword of JSON Schema that CRDs lack', { type: 'object', oneOf: [] }, '(root): keyword oneOf'],
    ['a value of any type', object({ a: {} }), '(root).a: no type'],
    [
      'a look-ahead, which RE2 does not know',
      { ...text, pattern: '^(?!x)' },
      '(root): a pattern that RE2 does not know',
    ],
  ])('%s', (_name, schema, sentence) => {
    expect(() => structural(schema)).toThrow(`${sentence} cannot stand in a CRD`)
  })
})

describe('what zod adds and a CRD lacks is taken away', () => {
  it.each<readonly [string, Schema, Schema]>([
    [
      'the alternatives of int-or-string',
      { anyOf: [{}], 'x-kubernetes-int-or-string': true },
      { 'x-kubernetes-int-or-string': true },
    ],
    ['a ban on further fields', { type: 'object', additionalProperties: false }, { type: 'object' }],
    ['names of a map’s keys', { type: 'object', propertyNames: {} }, { type: 'object' }],
    ['a format that the server ignores', { ...text, format: 'email' }, text],
    [
      'the bounds of a safe integer',
      { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
      { type: 'integer', format: 'int64' },
    ],
    [
      'nothing of a small integer’s, which gets its format',
      { type: 'integer', minimum: 1, maximum: 10 },
      { type: 'integer', minimum: 1, maximum: 10, format: 'int32' },
    ],
    [
      'an empty list of fields, which would differ for ever',
      { type: 'object', properties: {} },
      { type: 'object' },
    ],
  ])('%s', (_name, schema, expected) => {
    expect(structural(schema)).toEqual(expected)
  })

  it('leaves its argument as it was', () => {
    const schema = object({ a: { ...text, format: 'email' } })
    const copy = structuredClone(schema)
    structural(schema)
    expect(schema).toEqual(copy)
  })
})
