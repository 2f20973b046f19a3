import { describe, expect, it } from 'vitest'

import type { Step } from '../contracts/processor.ts'
import type { ChangeEvent } from '../contracts/row.ts'
import { compileSteps } from './steps.ts'

const columns = { id: 'int64', n: 'int32', name: 'string', big: 'string' } as const
const row = { id: '9007199254740993', n: 3, name: 'Ann', big: 'x' }
const event: ChangeEvent = { op: 'u', key: '1', row, before: { n: 2 }, ts: 7 }

const run = (steps: readonly Step[], unavailable: readonly string[] = []): unknown => {
  const compiled = compileSteps(steps, columns)
  if (!compiled.ok) return compiled.message
  const known = Object.fromEntries(Object.entries(row).filter(([column]) => !unavailable.includes(column)))
  return compiled.value.run({ key: '1', row: known as typeof row, unavailable }, event)
}

describe('steps', () => {
  it.each<[string, readonly Step[], unknown]>([
    ['nothing', [], { type: 'Row', key: '1', row }],
    [
      'filter in',
      [{ filter: 'row.n > before.n && op == "u" && ts == 7 && key == "1"' }],
      { type: 'Row', key: '1', row },
    ],
    ['filter out', [{ filter: 'row.name == "Bob"' }], { type: 'Filtered' }],
    ['drop', [{ drop: ['big', 'name'] }], { type: 'Row', key: '1', row: { id: row.id, n: 3 } }],
    ['key', [{ key: 'row.id' }], { type: 'Row', key: '9007199254740993', row }],
    [
      'map keeps the type of a plain column, and computed integers are texts',
      [{ map: { a: 'row.n', b: 'row.n + 1', c: 'row.id', d: 'row.n * 0.5', e: 'row.n > 1', f: 'null' } }],
      { type: 'Row', key: '1', row: { a: 3, b: '4', c: row.id, d: 1.5, e: true, f: null } },
    ],
    [
      'types go on through a map',
      [{ map: { m: 'row.n * 2', n: 'row.n' } }, { filter: 'm_is(row)' }],
      "step 2 (filter): found no matching overload for 'm_is(Row)' (at character 1)",
    ],
    [
      'a mapped integer stays one',
      [{ map: { m: 'row.n * 2' } }, { filter: 'row.m == 6' }, { key: 'string(row.m)' }],
      { type: 'Row', key: '6', row: { m: '6' } },
    ],
    [
      'a column that is gone',
      [{ drop: ['n'] }, { filter: 'row.n == 1' }],
      'step 2 (filter): No such key: n (at character 5)',
    ],
    [
      'a filter that is none',
      [{ filter: 'row.name' }],
      'step 1 (filter): it gives string, where bool is needed',
    ],
    [
      'a map with a wrong field',
      [{ map: { a: 'row.n', b: 'row.m' } }],
      'step 1 (map) b: No such key: m (at character 5)',
    ],
    [
      'a step that fails',
      [{ map: { a: 'row.n / 0' } }],
      { type: 'Failed', error: 'StepFailed', message: 'step 1 (map) a: division by zero (at character 1)' },
    ],
  ])('%s', (_name, steps, expected) => {
    expect(run(steps)).toEqual(expected)
  })

  it('fails where a column is needed that the source did not send, and only there', () => {
    const failed = (where: string): unknown => ({
      type: 'Failed',
      error: 'UnavailableValue',
      message: expect.stringContaining(`${where} needs column "big"`),
    })
    expect(run([], ['big'])).toEqual(failed('the output'))
    expect(run([{ filter: 'row.big == "x"' }], ['big'])).toEqual(failed('step 1 (filter)'))
    expect(run([{ key: 'row["name"]' }], ['big'])).toEqual(failed('step 1 (key)'))
    expect(run([{ filter: 'row.n == 3' }, { map: { n: 'row.n' } }], ['big'])).toMatchObject({ type: 'Row' })
    expect(run([{ drop: ['big'] }], ['big'])).toMatchObject({ type: 'Row' })
  })
})
