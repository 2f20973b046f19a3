import { describe, expect, it } from 'vitest'
import { createBoard } from '../lag/board.ts'
import { objectMetrics } from './metrics.ts'

const object = (name: string, status: 'True' | 'False') => ({
  apiVersion: 'v',
  kind: 'Source',
  metadata: {
    ...{ name, namespace: 'ns', uid: 'u', generation: 1 },
    ...{ resourceVersion: '1', creationTimestamp: '' },
  },
  spec: {},
  status: {
    conditions: [
      { type: 'Ready', status, reason: '', message: '', lastTransitionTime: '', observedGeneration: 1 },
    ],
  },
})

describe('metrics of objects', () => {
  const board = createBoard(() => 1_000)
  board.record('Source:ns/shop', 'seconds', 1.5)
  board.record('Source:ns/shop', 'slotIdle', 1)
  board.record('Pipeline:ns/"odd"', 'Flow paid seconds', 0)
  board.record('Pipeline:ns/"odd"', 'Flow paid records', 7)
  const lines = objectMetrics(board, [
    { kind: 'Source', object: object('shop', 'True') },
    { kind: 'Source', object: object('other', 'False') },
  ]).split('\n')
  const samplesOf = (name: string) => lines.filter((line) => line.startsWith(`${name}{`))

  it('every figure is a sample of its metric, with the hop where it is of one', () => {
    expect(samplesOf('penstock_lag_seconds')).toEqual([
      'penstock_lag_seconds{kind="Source",namespace="ns",name="shop",hop=""} 1.5',
      'penstock_lag_seconds{kind="Pipeline",namespace="ns",name="\\"odd\\"",hop="paid"} 0',
    ])
    expect(samplesOf('penstock_lag_records')).toEqual([
      'penstock_lag_records{kind="Pipeline",namespace="ns",name="\\"odd\\"",hop="paid"} 7',
    ])
    expect(samplesOf('penstock_ready').map((line) => line.at(-1))).toEqual(['1', '0'])
  })

  it('what is remembered for us alone is no metric; every metric has its type once, also without samples', () => {
    expect(lines.join()).not.toContain('slotIdle')
    const types = lines.filter((line) => line.startsWith('# TYPE '))
    expect(types).toContain('# TYPE penstock_source_safe_bytes gauge')
    expect(new Set(types).size).toBe(types.length)
    expect(lines.at(-1)).toBe('')
  })
})
