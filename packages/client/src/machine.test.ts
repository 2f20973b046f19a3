import { expect, test } from 'vitest'

import { type Event, IGNORED, type State, TABLE } from './machine.ts'

const cases: readonly (readonly [State, Event, State, string])[] = [
  ['Idle', 'start', 'Connecting', 'dial'],
  ['Connecting', 'open', 'Hello', 'hello'],
  ['Connecting', 'late', 'Waiting', 'drop'],
  ['Connecting', 'closedNever', 'Stopped', 'drop'],
  ['Hello', 'welcome', 'Live', 'subscribe'],
  ['Hello', 'closedBackOff', 'Waiting', 'drop'],
  ['Live', 'late', 'Connecting', 'drop,dial'],
  ['Live', 'closedNow', 'Connecting', 'drop,dial'],
  ['Live', 'drain', 'Draining', ''],
  ['Live', 'visible', 'Live', 'ping'],
  ['Live', 'loop', 'Waiting', 'drop'],
  ['Live', 'offline', 'Offline', 'drop'],
  // Make before break: the old socket goes on until the new one is welcome.
  ['Draining', 'late', 'Connecting', 'dial'],
  ['Draining', 'closedNow', 'Connecting', 'dial'],
  ['Waiting', 'late', 'Connecting', 'dial'],
  ['Waiting', 'online', 'Connecting', 'dial'],
  ['Offline', 'online', 'Connecting', 'dial'],
]

test.each(cases)('%s, %s → %s', (state, event, to, effects) => {
  const cell = TABLE[state][event]
  expect(cell === IGNORED ? cell : [cell.to, cell.effects.join()]).toEqual([to, effects])
})

test('stop leads to Stopped from everywhere, and nothing leads out of it', () => {
  for (const [state, row] of Object.entries(TABLE)) {
    if (state === 'Stopped') expect(new Set(Object.values(row))).toEqual(new Set([IGNORED]))
    else expect(row.stop).toMatchObject({ to: 'Stopped', effects: ['drop'] })
  }
})
