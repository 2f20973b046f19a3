import { describe, expect, it } from 'vitest'

import { type Relation, relationChange } from './relation.ts'

const COPIED: Relation = { oid: '1', file: '10', columns: { 1: 'id', 2: 'note' }, filled: [] }

describe('whether a table is still what was copied', () => {
  it.each<readonly [string, Partial<Relation>, ReturnType<typeof relationChange>['type']]>([
    ['nothing has changed', {}, 'Same'],
    ['dropped and made again', { oid: '2' }, 'Changed'],
    ['truncated, or written anew by another type of a column', { file: '11' }, 'Changed'],
    ['a column is gone', { columns: { 1: 'id' } }, 'Changed'],
    ['a column has another name', { columns: { 1: 'id', 2: 'word' } }, 'Changed'],
    ['a column is new and null everywhere', { columns: { 1: 'id', 2: 'note', 3: 'more' } }, 'Extended'],
    [
      'a column is new, and older rows have a value for it',
      { columns: { 1: 'id', 2: 'note', 3: 'more' }, filled: ['3'] },
      'Changed',
    ],
    ['it has a place in the publication for the first time', { membership: '7' }, 'Extended'],
    ['a column that was copied had once been added with a default', { filled: ['2'] }, 'Same'],
  ])('%s', (_name, now, expected) => {
    expect(relationChange(COPIED, { ...COPIED, ...now }).type).toBe(expected)
  })

  it('was taken out of the publication and put back, and is looked at when it is back', () => {
    const copied = { ...COPIED, membership: '7' }
    expect(relationChange(copied, COPIED).type).toBe('Same')
    expect(relationChange(copied, { ...COPIED, membership: '7' }).type).toBe('Same')
    expect(relationChange(copied, { ...COPIED, membership: '8' }).type).toBe('Changed')
  })
})
