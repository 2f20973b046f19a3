import { describe, expect, it } from 'vitest'

import type { SourceTable } from '../../api/source/index.ts'
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
    const shapes = tableShapes(columns, () => undefined)
    expect(shapes.get('s.a')).toEqual({ key: ['y', 'x'], columns: { x: 'int32', y: 'int32', z: 'int32' } })
    expect(shapes.get('s.b')?.key).toEqual([])
  })

  it('unless the spec gives one', () => {
    expect(tableShapes(columns, (name) => ({ name, key: ['z'] })).get('s.a')?.key).toEqual(['z'])
  })

  it('a column that is left out is not there for readers', () => {
    const shapesOf = (entry: SourceTable['columns']) =>
      Object.keys(tableShapes(columns, (name) => ({ name, columns: entry })).get('s.a')?.columns ?? {})
    expect(shapesOf({ exclude: ['z'] })).toEqual(['x', 'y'])
    expect(shapesOf({ include: ['y'] })).toEqual(['y'])
  })

  it('a table that does not exist has no shape', () => {
    expect(tableShapes([], (name) => ({ name, key: ['z'] })).size).toBe(0)
  })
})
