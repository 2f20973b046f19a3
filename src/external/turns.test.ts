import { beforeEach, describe, expect, it } from 'vitest'

import { createTurns, type Turns } from './turns.ts'

describe('turns', () => {
  let turns: Turns
  let asked: string[]
  let ends: Map<string, () => void>
  beforeEach(() => {
    asked = []
    ends = new Map()
    turns = createTurns(2, (name) => {
      asked.push(name)
      return new Promise((resolve) => ends.set(name, () => resolve(undefined)))
    })
  })
  const end = async (name: string) => {
    ends.get(name)?.()
    await Promise.resolve()
  }

  it('are given to so many at once, in the order in which they came', async () => {
    turns.add(['a', 'b', 'c', 'd'])
    expect(asked).toEqual(['a', 'b'])
    expect(turns.waiting).toBe(2)
    await end('b')
    expect(asked).toEqual(['a', 'b', 'c'])
  })

  it('go on past one that takes long', async () => {
    turns.add(['late', 'b', 'c', 'd'])
    for (const name of ['b', 'c', 'd']) await end(name)
    expect(asked).toEqual(['late', 'b', 'c', 'd'])
    expect(turns.has('late')).toBe(true)
    expect(turns.has('b')).toBe(false)
  })

  it('are given once to a name that is added again before its turn is over, and again afterwards', async () => {
    turns.add(['a', 'b', 'c'])
    turns.add(['a', 'c'])
    await end('a')
    expect(asked).toEqual(['a', 'b', 'c'])
    await end('b')
    await end('c')
    turns.add(['a'])
    expect(asked).toEqual(['a', 'b', 'c', 'a'])
  })

  it('are not given any more to who waits when they are cleared', async () => {
    turns.add(['a', 'b', 'c'])
    turns.clear()
    await end('a')
    expect(asked).toEqual(['a', 'b'])
  })
})
