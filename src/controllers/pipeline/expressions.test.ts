import { describe, expect, it } from 'vitest'

import type { PipelineView } from '../../api/pipeline.ts'
import type { FlowConfig, Step } from '../../contracts/processor.ts'
import type { TopicInput } from '../../contracts/workload.ts'
import { checkExpressions } from './expressions.ts'

const input: TopicInput = {
  name: 'orders',
  topic: 't',
  format: 'Debezium',
  key: ['id'],
  columns: { id: 'int32', status: 'string' },
  epoch: 'e',
}
const flow = (...steps: readonly Step[]): FlowConfig => ({
  name: 'f',
  group: 'g',
  as: 'Table',
  start: 'Earliest',
  events: ['c'],
  inputs: [input],
  steps,
  output: { topic: 'o', partitions: 1 },
  state: { type: 'None' },
})
const said = (flows: readonly FlowConfig[], view?: Partial<PipelineView>): string => {
  const views = view ? [{ view: { name: 'v', from: ['orders'], ...view }, input }] : []
  const health = checkExpressions(flows, views)
  return health.type === 'Ready' ? 'Ready' : `${health.reason}: ${health.message}`
}

describe('expressions of flows', () => {
  it.each<readonly [string, readonly Step[]]>([
    ['a filter that is true or false', [{ filter: 'row.status != "done"' }]],
    ['a key that is a text', [{ key: 'string(row.id)' }]],
    ['a map of anything', [{ map: { a: 'row.id + 1', b: 'row.status' } }]],
    ['after a map, fields that only the values tell', [{ map: { a: 'row.id' } }, { filter: 'row.a > 1' }]],
  ])('pass: %s', (_name, steps) => {
    expect(said([flow(...steps)])).toBe('Ready')
  })

  it.each<readonly [string, readonly Step[], RegExp]>([
    [
      'what does not parse',
      [{ filter: 'row.' }],
      /^InvalidExpression: spec\.flows\[f\]\.steps\[0\]\.filter: /,
    ],
    ['a column that is not there', [{ filter: 'row.nope == 1' }], /steps\[0\]\.filter: .*nope/],
    ['a filter that is no truth', [{ filter: 'row.status' }], /steps\[0\]\.filter: /],
    ['a key that is no text', [{ key: '{"a": 1}' }], /steps\[0\]\.key: /],
    ['a field of a map', [{ map: { good: 'row.id', bad: 'row.nope' } }], /steps\[0\]\.map\.bad: /],
    [
      'a dropped column',
      [{ drop: ['status'] }, { filter: 'row.status == "x"' }],
      /steps\[1\]\.filter: .*status/,
    ],
  ])('are refused with their place: %s', (_name, steps, sentence) => {
    expect(said([flow(...steps)])).toMatch(sentence)
  })

  it('all are named, the first five', () => {
    const steps = Array.from({ length: 7 }, (): Step => ({ filter: 'row.' }))
    expect(said([flow(...steps)]).split(' · ')).toHaveLength(5)
  })
})

describe('expressions of views', () => {
  it.each<readonly [string, Partial<PipelineView>]>([
    ['a view of everything', {}],
    ['fields and index that are there', { fields: ['id', 'status'], index: ['status'] }],
    ['who may see a row', { allow: 'string(row.id) == claims.sub' }],
  ])('pass: %s', (_name, view) => {
    expect(said([], view)).toBe('Ready')
  })

  it.each<readonly [string, Partial<PipelineView>, RegExp]>([
    ['a field that is not there', { fields: ['nope'] }, /spec\.views\[v\]: orders has no field nope/],
    ['an index that is not there', { index: ['nope'] }, /spec\.views\[v\]: orders has no field nope/],
    ['allow that is no truth', { allow: '"yes"' }, /spec\.views\[v\]\.allow: /],
    ['allow over a column that is not there', { allow: 'row.nope == 1' }, /spec\.views\[v\]\.allow: .*nope/],
  ])('are refused with their place: %s', (_name, view, sentence) => {
    expect(said([], view)).toMatch(sentence)
  })
})
