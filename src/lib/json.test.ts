import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { canonical, equal, hashOf, isObject, parseJson, stringifyJson } from './json.ts'

describe('equal', () => {
  it.each<readonly [string, unknown, unknown, boolean]>([
    ['the order of keys does not count', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['a key that is undefined does not count', { a: 1, b: undefined }, { a: 1 }, true],
    ['null is not undefined', { a: null }, {}, false],
    ['the order of a list counts', [1, 2], [2, 1], false],
    ['a list is no object', [], {}, false],
    ['a longer list differs', [1], [1, 2], false],
    ['nested values are compared', { a: [{ b: 1 }] }, { a: [{ b: 2 }] }, false],
    ['text is not a number', '1', 1, false],
  ])('%s', (_name, a, b, same) => {
    expect(equal(a, b)).toBe(same)
    expect(equal(b, a)).toBe(same)
  })
})

describe('canonical', () => {
  it('gives one text for equal values, at any depth', () => {
    expect(canonical({ b: [{ d: 1, c: 2 }], a: 0 })).toBe('{"a":0,"b":[{"c":2,"d":1}]}')
  })

  it('hashes equal values equally and others differently, in 16 hex digits', () => {
    expect(hashOf({ a: 1, b: 2 })).toBe(hashOf({ b: 2, a: 1 }))
    expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: 2 }))
    expect(hashOf(null)).toMatch(/^[0-9a-f]{16}$/)
  })
})

describe('lossless JSON', () => {
  it.each<readonly [string, string, unknown]>([
    ['an integer beyond 2^53 keeps every digit', '{"n":9007199254740993}', { n: 9_007_199_254_740_993n }],
    ['a negative one too', '[-9223372036854775808]', [-9_223_372_036_854_775_808n]],
    ['a safe integer stays a number', '{"n":1234567890123456}', { n: 1_234_567_890_123_456 }],
    ['a fraction stays a number', '[0.12345678901234567]', [Number('0.12345678901234567')]],
    ['digits in a text are left alone', '{"n":"9007199254740993"}', { n: '9007199254740993' }],
  ])('%s', (_name, text, value) => {
    expect(parseJson(text)).toEqual(value)
  })

  it('throws a SyntaxError for what is no JSON, long digits or not', () => {
    expect(() => parseJson('{')).toThrow(SyntaxError)
    expect(() => parseJson('{"n":12345678901234567')).toThrow(SyntaxError)
  })

  it('writes what it read, whatever the integers', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (numbers) => {
        const text = `[${numbers.join(',')}]`
        expect(stringifyJson(parseJson(text))).toBe(text)
      }),
    )
  })
})

it.each<readonly [unknown, boolean]>([
  [{}, true],
  [[], false],
  [null, false],
  ['{}', false],
])('isObject of %j is %s', (value, is) => {
  expect(isObject(value)).toBe(is)
})
