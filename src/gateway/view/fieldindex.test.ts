import { describe, expect, it } from 'vitest'

import type { Row } from '../../contracts/row.ts'
import { createFieldIndex } from './fieldindex.ts'

describe('an index by field', () => {
  it.each<[string, readonly (Row | undefined)[], string, readonly string[]]>([
    ['a new row', [{ s: 'open' }], '"open"', ['k']],
    ['a row that moved stands at its new value', [{ s: 'open' }, { s: 'done' }], '"done"', ['k']],
    ['and no longer at its old one', [{ s: 'open' }, { s: 'done' }], '"open"', []],
    ['a row that is gone', [{ s: 'open' }, undefined], '"open"', []],
    ['a row that came back', [{ s: 'open' }, undefined, { s: 'open' }], '"open"', ['k']],
    ['a row without the field is at null', [{}], 'null', ['k']],
    ['a number is not its text', [{ s: 1 }], '"1"', []],
    ['an object, however its fields are ordered', [{ s: { b: 1, a: 2 } }], '{"a":2,"b":1}', ['k']],
  ])('%s', (_name, states, text, expected) => {
    const index = createFieldIndex(['s'])
    let before: Row | undefined
    for (const after of states) {
      index.move('k', before, after)
      before = after
    }
    expect([...index.keys('s', text)]).toEqual(expected)
  })

  it('knows nothing of fields that are not indexed', () => {
    const index = createFieldIndex(['s'])
    index.move('k', undefined, { s: 'open', other: 'x' })
    expect(index.keys('other', '"x"').size).toBe(0)
  })
})
