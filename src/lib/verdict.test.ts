import { describe, expect, it } from 'vitest'

import { messageOf, Stalled, Waiting } from './verdict.ts'

describe('messageOf', () => {
  it.each<readonly [string, unknown, string]>([
    ['an error says its message, without a stack', new Error('boom'), 'boom'],
    ['what is no error says itself', 'plain', 'plain'],
    ['undefined too', undefined, 'undefined'],
    [
      'an aggregate without a message says its first error',
      new AggregateError([new Error('first')]),
      'first',
    ],
    [
      'an error without a message says its code',
      Object.assign(new Error(''), { code: 'ECONNREFUSED' }),
      'ECONNREFUSED',
    ],
    ['one without either says its name', new TypeError(''), 'TypeError'],
  ])('%s', (_name, thrown, text) => {
    expect(messageOf(thrown)).toBe(text)
  })

  it('cuts to the limit and shows that it did', () => {
    expect(messageOf(new Error('abcdef'), 4)).toBe('abc…')
    expect(messageOf(new Error('abcd'), 4)).toBe('abcd')
  })
})

it('verdicts carry reason and message', () => {
  expect(new Waiting('NotYet', 'wait', 1)).toMatchObject({ reason: 'NotYet', message: 'wait', afterMs: 1 })
  expect(new Waiting('NotYet', 'wait').afterMs).toBe(5_000)
  expect(new Stalled('No', 'never')).toMatchObject({ name: 'Stalled', reason: 'No', message: 'never' })
})
