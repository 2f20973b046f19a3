import { describe, expect, it } from 'vitest'

import type { ColumnView } from './queries.ts'
import { tableShapes } from './shapes.ts'

describe('tableShapes', () => {
  const column = (table: string, name: string, keyPlace: number): ColumnView => ({
    table,
    name,
    type: 'int4',
    keyPlace,
  })
  const columns = [column('s.a', 'x', 2), column('s.a', 'y', 1), column('s.a', 'z', 0), column('s.b', 'x', 0)]

  it('the key is the primary key in its own order', () => {
    const shapes = tableShapes(columns, new Map())
    expect(shapes.get('s.a')).toEqual({ key: ['y', 'x'], columns: { x: 'int32', y: 'int32', z: 'int32' } })
    expect(shapes.get('s.b')?.key).toEqual([])
  })

  it('unless the spec gives one', () => {
    expect(tableShapes(columns, new Map([['s.a', ['z']]])).get('s.a')?.key).toEqual(['z'])
  })

  it('a table that does not exist has no shape', () => {
    expect(tableShapes([], new Map([['s.a', ['z']]])).size).toBe(0)
  })
})
