import { describe, expect, it } from 'vitest'
import { type Finding, preflightOf, preflightStatus } from './preflight.ts'

const found = (level: Finding['level'], count: number): readonly Finding[] =>
  Array.from({ length: count }, (_, index) => ({
    check: 'Check',
    level,
    table: `public.t${index}`,
    found: 'is so',
    remedy: 'do this',
  }))
const shown = (...findings: readonly Finding[]) => preflightStatus(preflightOf(findings, 1)).preflight ?? []

describe('findings in the status', () => {
  it('are all there as long as they have room', () => {
    expect(shown(...found('Warning', 19), ...found('Error', 1)).map(({ level }) => level)).toEqual([
      'Error',
      ...Array.from({ length: 19 }, () => 'Warning'),
    ])
  })

  it('are summed up beyond that', () => {
    const all = shown(...found('Warning', 25))
    expect(all).toHaveLength(20)
    expect(all.at(-1)).toMatchObject({ level: 'Warning', found: 'and 6 more of level Warning' })
  })

  it('with the level of the worst that has no room', () => {
    const all = shown(...found('Warning', 3), ...found('Error', 21))
    expect(all.at(-1)).toMatchObject({
      level: 'Error',
      found: 'and 2 more of level Error and 3 more of level Warning',
    })
  })
})
