import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { judge, needsFreshEnds, type PartitionFacts, type Verdict, type ViewFacts } from './judge.ts'
import { decodeToken, encodeToken, type Token } from './token.ts'

const A = 'a'.repeat(16)
const B = 'b'.repeat(16)
const C = 'c'.repeat(16)
const D = 'd'.repeat(16)

/** Floor 10, position 100, end 120; one row changed at every offset; the ring holds from 50 on. */
const partition: PartitionFacts = {
  floor: 10,
  position: 100,
  end: 120,
  changedSince: (offset) => 100 - offset,
  ringCovers: (offset) => offset >= 50,
}

const view: ViewFacts = {
  epoch: A,
  cohort: B,
  selector: C,
  mode: 'Latest',
  policy: 'Same',
  resumeRows: 80,
  partitions: [partition, { ...partition, position: 120 }],
}

const token = (over: Partial<Token> = {}): string =>
  encodeToken({ epoch: A, cohort: B, selector: C, offsets: [90, 110], ...over })

const all = (reason: string): Verdict => ({ type: 'ResetAll', reason }) as Verdict

describe('the table of token verdicts', () => {
  const second = { type: 'Continue', since: 110 }
  it.each<[string, string, Partial<ViewFacts>, unknown]>([
    ['unreadable', 'nonsense', {}, all('token')],
    ['empty', '', {}, all('token')],
    ['other epoch', token({ epoch: D }), {}, all('epoch')],
    ['other cohort', token({ cohort: D }), {}, all('claims')],
    ['other selector', token({ selector: D }), {}, all('token')],
    ['other partition count', token({ offsets: [90] }), {}, all('token')],
    ['below the floor', token({ offsets: [9, 110] }), {}, [{ type: 'Reset', reason: 'too-old' }, second]],
    ['beyond the end', token({ offsets: [121, 110] }), {}, [{ type: 'Reset', reason: 'ahead' }, second]],
    ['this pod behind', token({ offsets: [101, 110] }), {}, [{ type: 'Hold', until: 101 }, second]],
    [
      'at the end, this pod behind',
      token({ offsets: [120, 110] }),
      {},
      [{ type: 'Hold', until: 120 }, second],
    ],
    ['at the floor', token({ offsets: [20, 110] }), {}, [{ type: 'Continue', since: 20 }, second]],
    ['at the position', token({ offsets: [100, 110] }), {}, [{ type: 'Continue', since: 100 }, second]],
    ['too many rows', token({ offsets: [19, 110] }), {}, [{ type: 'Reset', reason: 'too-big' }, second]],
    ['policy by row', token(), { policy: 'PerRow' }, all('policy')],
    ['policy by row, other claims', token({ cohort: D }), { policy: 'PerRow' }, all('claims')],
    [
      'All, ring covers',
      token({ offsets: [50, 110] }),
      { mode: 'All' },
      [{ type: 'Continue', since: 50 }, second],
    ],
    ['All, ring does not', token({ offsets: [49, 110] }), { mode: 'All' }, all('gap')],
    [
      'All, this pod behind',
      token({ offsets: [101, 110] }),
      { mode: 'All' },
      [{ type: 'Hold', until: 101 }, second],
    ],
    ['All, beyond the end', token({ offsets: [121, 110] }), { mode: 'All' }, all('gap')],
  ])('%s', (_, text, over, expected) => {
    const verdict = judge(text, { ...view, ...over })
    expect(verdict.type === 'Partitions' ? verdict.verdicts : verdict).toEqual(expected)
  })

  it('asks the broker only about what is beyond its known end', () => {
    expect(needsFreshEnds(token({ offsets: [120, 120] }), [120, 120])).toBe(false)
    expect(needsFreshEnds(token({ offsets: [120, 121] }), [120, 120])).toBe(true)
    expect(needsFreshEnds('nonsense', [])).toBe(false)
  })
})

describe('tokens', () => {
  const offset = fc.oneof(fc.nat(), fc.maxSafeNat())

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(offset, { maxLength: 200 }), (offsets) => {
        const made = { epoch: A, cohort: B, selector: D, offsets }
        expect(decodeToken(encodeToken(made))).toEqual(made)
      }),
    )
  })

  it('that are none of ours are undefined, whatever they are', () => {
    fc.assert(fc.property(fc.string(), (text) => void decodeToken(text)))
    const cut = token({ offsets: [300] }).slice(0, -2)
    expect(
      decodeToken(Buffer.concat([Buffer.from(cut, 'base64url'), Buffer.from([0x80])]).toString('base64url')),
    ).toBeUndefined()
  })
})
