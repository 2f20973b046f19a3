import { describe, expect, it } from 'vitest'
import type { Source } from '../../api/source/index.ts'
import { retention } from './position.ts'
import type { SlotView } from './queries.ts'
import { beforeFirstRun, isFirstRun } from './stale.ts'

const source = (adoptionPolicy?: 'Adopt'): Source =>
  ({
    metadata: { namespace: 'ns', name: 'shop' },
    spec: { ...(adoptionPolicy ? { adoptionPolicy } : {}) },
  }) as unknown as Source
const SLOT = { name: 's', active: false, confirmed: 9n, confirmedLsn: '0/9' } as unknown as SlotView
const STORED = [{ partition: {}, offset: { lsn: 5 } }]
const judged = (slot: SlotView | undefined, offsets: typeof STORED | undefined, policy?: 'Adopt') =>
  beforeFirstRun(source(policy), 's', retention('s', slot, offsets))

describe('before the first run', () => {
  it.each([
    [
      'a position whose slot is gone',
      undefined,
      STORED,
      undefined,
      /DELETE \/connectors\/ns\.shop\/offsets of Kafka Connect$/,
    ],
    [
      'a position beyond which the slot is',
      SLOT,
      STORED,
      undefined,
      /offsets of Kafka Connect, and SELECT pg_drop_replication_slot\('s'\)$/,
    ],
    ['the same where it is adopted', SLOT, STORED, 'Adopt', /stands beyond them/],
  ] as const)('%s is stale', (_name, slot, offsets, policy, sentence) => {
    const found = judged(slot, offsets && [...offsets], policy)
    expect(found).toMatchObject({ type: 'Broken', reason: 'StaleOffsetsFound' })
    expect(found.message).toMatch(sentence)
  })

  it('a slot that stands where the position does is gone on from', () => {
    expect(judged({ ...SLOT, confirmed: 5n }, STORED).type).toBe('Ready')
  })

  it('a slot alone is refused, and compared with what an earlier connector has left where it is adopted', () => {
    expect(judged(SLOT, undefined)).toMatchObject({ type: 'Broken', reason: 'SlotExistsBeforeSnapshot' })
    expect(judged(SLOT, undefined, 'Adopt')).toMatchObject({ type: 'Ready', reason: 'Adopted' })
  })

  it('is over when the rows have been copied', () => {
    expect(isFirstRun(source())).toBe(true)
    expect(isFirstRun({ ...source(), status: { snapshot: { state: 'Running' } } })).toBe(true)
    expect(isFirstRun({ ...source(), status: { snapshot: { state: 'Completed' } } })).toBe(false)
  })
})
