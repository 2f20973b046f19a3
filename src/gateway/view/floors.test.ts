import { describe, expect, it } from 'vitest'

import { createFakeTopic } from '../testing/reader.ts'
import { floorsOf, offlineWindowMs } from './floors.ts'

const HOUR = 3_600_000

describe('how long a client may be away', () => {
  it.each([
    ['what is asked for, where the topic keeps its deletes longer', HOUR, String(24 * HOUR), HOUR],
    ['an hour less than the topic keeps its deletes', 5 * HOUR, String(3 * HOUR), 2 * HOUR],
    ['not at all, where the topic keeps them an hour or less', HOUR, String(HOUR / 2), 0],
    ['a day less an hour, where the topic says nothing', 90 * HOUR, undefined, 23 * HOUR],
    ['a day less an hour, where it says nonsense', 90 * HOUR, 'soon', 23 * HOUR],
  ])('%s', (_name, asked, retention, expected) => {
    expect(offlineWindowMs(asked, retention)).toBe(expected)
  })
})

describe('the floor of a partition', () => {
  it('is the first record of the window, or the end of the log where none is that new', async () => {
    const topic = createFakeTopic('orders', 3)
    for (const ts of [100, 200, 300]) topic.put(0, 'a', {}, ts)
    topic.put(1, 'b', {}, 100)
    const floors = await floorsOf(topic.admin, 'orders', [0, 1, 2], 150, AbortSignal.timeout(1_000))
    expect(floors).toEqual(
      new Map([
        [0, 1],
        [1, 1],
        [2, 0],
      ]),
    )
  })
})
