import { describe, expect, it } from 'vitest'

import { Waiting } from '../lib/verdict.ts'
import type { ExternalResource } from './contract.ts'
import { converge } from './converge.ts'

const signal = () => AbortSignal.timeout(5_000)

describe('converge', () => {
  it('looks, writes, and looks again at an answer from after the end of the write', async () => {
    const acts: unknown[] = []
    const clock = { now: 41 }
    const resource: ExternalResource<number> = {
      id: { kind: 'Fake', name: 'a' },
      observe: async (_signal, after) => {
        acts.push(['observe', after])
        return acts.length === 1 ? 1 : 2
      },
      diff: (observed) => (observed === 1 ? [{ what: '1 → 2' }] : []),
      health: (observed) => ({ type: 'Ready', message: String(observed) }),
      apply: async (observed, changes) => {
        acts.push(['apply', observed, changes])
        clock.now = 50
      },
      remove: async () => undefined,
    }
    expect(await converge(resource, () => ++clock.now, signal())).toEqual({
      health: { type: 'Ready', message: '2' },
      observed: 2,
      changed: ['Fake a: 1 → 2'],
    })
    expect(acts).toEqual([
      ['observe', undefined],
      ['apply', 1, [{ what: '1 → 2' }]],
      ['observe', 51],
    ])
  })

  it('waits where the write does not show yet', async () => {
    const resource: ExternalResource = {
      id: { kind: 'Fake', name: 'a' },
      observe: async () => undefined,
      diff: () => [],
      health: () => ({ type: 'Ready' }),
      apply: async () => undefined,
      remove: async () => undefined,
    }
    await expect(converge(resource, Date.now, signal())).rejects.toThrow(
      new Waiting('NotThereYet', 'Fake a was made and does not show yet', 1_000),
    )
  })
})
