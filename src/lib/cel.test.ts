import { describe, expect, it } from 'vitest'

import { type CelColumns, type CelInput, type CelKinds, compileCel } from './cel.ts'

const columns: CelColumns = {
  id: 'int64',
  n: 'int32',
  price: 'double',
  total: 'decimal',
  name: 'string',
  paid: 'bool',
  day: 'time',
  tags: 'string[]',
}
const step: CelKinds = { place: 'step', result: 'any', columns }
const allow: CelKinds = { place: 'allow', result: 'bool', columns }
const row = {
  id: '9007199254740993',
  n: 7,
  price: 1.5,
  total: '10.50',
  name: 'Ann',
  paid: true,
  day: null,
  tags: ['a', 'b'],
}

const refused = (text: string, kinds: CelKinds): string => {
  const compiled = compileCel(text, kinds)
  return compiled.ok ? `accepted as ${compiled.value.type}` : compiled.message
}
const run = (text: string, kinds: CelKinds = step, input: CelInput = { row }): unknown => {
  const compiled = compileCel(text, kinds)
  if (!compiled.ok) return `refused: ${compiled.message}`
  const outcome = compiled.value.evaluate(input)
  return outcome.ok ? outcome.value : `failed: ${outcome.message}`
}

describe('compileCel: what it refuses', () => {
  it.each([
    ['row.id == claims.sub', allow, 'no such overload: int == string (at character 1)'],
    ['row.nope == 1', step, 'No such key: nope (at character 5)'],
    ['foo', step, 'Unknown variable: foo (at character 1)'],
    ['claims.sub == "a"', step, 'Unknown variable: claims (at character 1)'],
    ['row.name >', step, 'Unexpected token: EOF (at character 11)'],
    ['row.name', allow, 'it gives string, where bool is needed'],
    ['{"a": 1}', { ...step, result: 'text' }, 'it gives map<string, int>, where text is needed'],
    ['claims == claims', allow, 'claims can only be read by name, as in claims.sub'],
    ['row.name.matches("(")', step, /^the pattern is not one of RE2: .*\(at character 1\)$/],
    ['row.tags.exists(a, row.tags.exists(b, a == b))', step, /^map, filter, all and exists cannot stand/],
    ['1'.padEnd(5_000, ' '), step, 'the expression has 5000 characters; 4096 are the most'],
    [Array(1_500).fill('1').join('+'), step, /AST|nodes|deep/i],
    [`${'('.repeat(1_000)}1${')'.repeat(1_000)}`, step, /deep|depth/i],
    ['', step, /./],
  ] as const)('%s', (text, kinds, message) => {
    const found = refused(text, kinds)
    if (typeof message === 'string') expect(found).toBe(message)
    else expect(found).toMatch(message)
    expect(found).not.toMatch(/accepted|\n/)
  })

  it('takes a null for every type of column', () => {
    expect(refused('row.id == null && null != row.name ? null : row.n', step)).toMatch(/^accepted/)
    expect(refused('string(row.id) == claims.sub && claims.role in ["a", "b"]', allow)).toBe(
      'accepted as bool',
    )
  })
})

describe('compileCel: values', () => {
  it.each<[string, unknown]>([
    ['row.n', 7],
    ['row.id', '9007199254740993'],
    ['row.id + 1', '9007199254740994'],
    ['row.n + 1', '8'],
    ['row.n * 1.5', 10.5],
    ['row.price + 1', 2.5],
    ['row.price > 1', true],
    ['row.n == 7.0', true],
    ['row.day == null', true],
    ['row.day != null ? row.day : "none"', 'none'],
    ['coalesce(row.day, "none")', 'none'],
    ['coalesce(row.name, "none")', 'Ann'],
    ['has(row.day)', true],
    ['row.day > "2020"', 'failed: no such overload: dyn<null> > string (at character 1)'],
    ['row.total', '10.50'],
    ['double(row.total) > 10.0', true],
    ['row.name.matches("^A.n$")', true],
    ['row.name.matches("nn")', true],
    ['row.tags.exists(t, t.matches("^b"))', true],
    ['row.tags.map(t, t + "!")', ['a!', 'b!']],
    ['{"id": row.id, "n": [row.n]}', { id: '9007199254740993', n: ['7'] }],
    ['string(row.id)', '9007199254740993'],
    ['timestamp("2026-01-02T03:04:05Z")', '2026-01-02T03:04:05.000Z'],
    ['op', null],
    ['1.0 / 0.0', 'Infinity'],
    ['row.n / 0', 'failed: division by zero (at character 1)'],
  ])('%s', (text, value) => {
    expect(run(text)).toEqual(value)
  })

  it('says so when a dynamic result is of the wrong kind', () => {
    expect(run('coalesce(row.name, true)', { ...step, result: 'bool' })).toBe(
      'failed: it gave a string, not true or false',
    )
    expect(run('row.day', { ...step, result: 'text' })).toBe('failed: it gave null, not a text')
  })

  it('reads claims', () => {
    const claims = { sub: '9007199254740993', roles: ['a'] }
    expect(run('string(row.id) == claims.sub && "a" in claims.roles', allow, { row, claims })).toBe(true)
    expect(run('"a" in claims.groups', allow, { row, claims })).toMatch(/^failed: No such key: groups/)
  })

  it('works on unknown columns by what JSON says', () => {
    const loose: CelKinds = { place: 'step', result: 'any' }
    expect(run('row.n + 1 == 8 && row.n > 6.5', loose)).toBe(true)
  })

  it('stops a pattern that V8 would run for minutes', () => {
    const started = performance.now()
    const evil = { row: { ...row, name: `${'a'.repeat(40)}!` } }
    expect(run('row.name.matches("^(a+)+$")', step, evil)).toBe(false)
    expect(performance.now() - started).toBeLessThan(500)
  })

  it('goes through no list of more than a thousand', () => {
    const long = { row: { ...row, tags: Array(1_001).fill('a') } }
    expect(run('row.tags.exists(t, t == "b")', step, long)).toBe('failed: a list has more than 1000 elements')
  })

  it('names what it reads', () => {
    const reads = (text: string): unknown => {
      const compiled = compileCel(text, step)
      return compiled.ok && compiled.value.reads
    }
    expect(reads('row.id > 1 && has(row.name)')).toEqual(new Set(['id', 'name']))
    expect(reads('row["id"] == 1')).toBe('all')
    expect(reads('op == "c"')).toEqual(new Set())
  })
})
