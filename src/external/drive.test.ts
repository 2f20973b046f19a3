import { describe, expect, it } from 'vitest'

import { Stalled, Waiting } from '../lib/verdict.ts'
import type { Change, ExternalResource, Health, PlannedRemoval, ResourceId, Stage } from './contract.ts'
import { drive, ledgerOf, removeAll } from './drive.ts'

const signal = () => AbortSignal.timeout(5_000)

interface Behaviour {
  readonly exists?: boolean
  readonly changes?: readonly Change[]
  readonly health?: Health
  readonly throws?: unknown
}

/** A resource that notes in `acts` what is done to it. */
function fake(acts: string[], name: string, behaviour: Behaviour = {}): ExternalResource {
  const present = { is: behaviour.exists ?? false }
  return {
    id: { kind: 'Fake', name },
    observe: async () => {
      if (behaviour.throws) throw behaviour.throws
      return present.is ? { name } : undefined
    },
    diff: () => behaviour.changes ?? [],
    health: () => behaviour.health ?? { type: 'Ready' },
    apply: async () => {
      acts.push(`apply ${name}`)
      present.is = true
    },
    remove: async () => void acts.push(`remove ${name}`),
  }
}

const entry = (name: string, onRemove: PlannedRemoval['onRemove'] = 'Delete'): PlannedRemoval => ({
  id: { kind: 'Fake', name },
  onRemove,
})

async function run(
  acts: string[],
  stages: readonly Stage[],
  recorded: readonly PlannedRemoval[] = [],
  ledger: readonly PlannedRemoval[] = [],
) {
  const remover = (id: ResourceId) => fake(acts, id.name)
  const report = await drive({ plan: { stages, ledger }, recorded, remover, now: Date.now }, signal())
  return {
    acts,
    verdicts: Object.fromEntries(report.stages.map(({ condition, verdict }) => [condition, verdict.type])),
    report,
  }
}

describe('drive', () => {
  it('makes stages in order and says what it made', async () => {
    const acts: string[] = []
    const { verdicts, report } = await run(acts, [
      { condition: 'A', members: [fake(acts, 'a')] },
      { condition: 'B', members: [fake(acts, 'b'), fake(acts, 'c', { exists: true })] },
    ])
    expect(acts).toEqual(['apply a', 'apply b'])
    expect(verdicts).toEqual({ A: 'Ready', B: 'Ready' })
    expect(report.changed).toEqual(['Fake a created', 'Fake b created'])
    expect([...report.observed.keys()]).toEqual(['Fake/a', 'Fake/b', 'Fake/c'])
  })

  it.each<readonly [string, Behaviour, string]>([
    ['not ready', { health: { type: 'NotReady', reason: 'R', message: 'm' } }, 'Waiting'],
    ['broken', { health: { type: 'Broken', reason: 'R', message: 'm' } }, 'Stalled'],
    ['waiting', { throws: new Waiting('R', 'm') }, 'Waiting'],
    ['stalled', { throws: new Stalled('R', 'm') }, 'Stalled'],
    ['an error that nobody foresaw', { throws: new Error('boom') }, 'Failed'],
    [
      'a change that is refused',
      { exists: true, changes: [{ what: 'w', refused: { reason: 'R', message: 'm' } }] },
      'Stalled',
    ],
  ])('a stage that is %s keeps the later ones from being reached', async (_name, behaviour, type) => {
    const acts: string[] = []
    const { verdicts } = await run(acts, [
      { condition: 'A', members: [fake(acts, 'a', behaviour)] },
      { condition: 'B', members: [fake(acts, 'b')] },
    ])
    expect(verdicts).toEqual({ A: type, B: 'NotReached' })
    expect(acts).not.toContain('apply b')
  })

  it('nothing at all is written to a resource of which one change is refused', async () => {
    const acts: string[] = []
    const changes = [{ what: 'fine' }, { what: 'w', refused: { reason: 'No', message: 'never' } }]
    const { report } = await run(acts, [
      { condition: 'A', members: [fake(acts, 'a', { exists: true, changes })] },
    ])
    expect(acts).toEqual([])
    expect(report.stages[0]?.verdict).toEqual({ type: 'Stalled', reason: 'No', message: 'never' })
  })

  it('members of a stage do not wait for one another, and the worst of them speaks', async () => {
    const acts: string[] = []
    const { report } = await run(acts, [
      {
        condition: 'A',
        members: [
          fake(acts, 'a', { throws: new Waiting('Later', 'm') }),
          fake(acts, 'b', { throws: new Stalled('Never', 'm') }),
          fake(acts, 'c'),
        ],
      },
    ])
    expect(acts).toEqual(['apply c'])
    expect(report.stages[0]?.verdict).toMatchObject({ type: 'Stalled', reason: 'Never' })
  })

  it('a stage waits only for those that it needs', async () => {
    const acts: string[] = []
    const { verdicts } = await run(acts, [
      { condition: 'A', members: [fake(acts, 'a')] },
      { condition: 'B', members: [fake(acts, 'b', { throws: new Waiting('Later', 'm') })] },
      { condition: 'C', members: [fake(acts, 'c')], needs: ['A'] },
      { condition: 'D', members: [fake(acts, 'd')], needs: ['B'] },
    ])
    expect(verdicts).toEqual({ A: 'Ready', B: 'Waiting', C: 'Ready', D: 'NotReached' })
  })

  it('takes away what is recorded and no longer planned, last made first, when everything is ready', async () => {
    const acts: string[] = []
    await run(
      acts,
      [{ condition: 'A', members: [fake(acts, 'a', { exists: true })] }],
      [entry('old1'), entry('a'), entry('old2'), entry('kept', 'Retain')],
      [entry('a')],
    )
    expect(acts).toEqual(['remove old2', 'remove old1'])
  })

  it('takes nothing away while a stage is not ready', async () => {
    const acts: string[] = []
    const waiting = fake(acts, 'a', { exists: true, health: { type: 'NotReady', reason: 'R', message: 'm' } })
    await run(acts, [{ condition: 'A', members: [waiting] }], [entry('old')], [])
    expect(acts).toEqual([])
  })

  it('a plan without stages is ready', async () => {
    expect((await run([], [])).report.stages).toEqual([])
  })
})

describe('the ledger', () => {
  it('holds what is recorded beside what is planned, and the plan’s word on its removal', () => {
    const plan = { stages: [], ledger: [entry('a', 'Retain'), entry('b')] }
    expect(ledgerOf(plan, [entry('old'), entry('a', 'Delete')])).toEqual([
      entry('old'),
      entry('a', 'Retain'),
      entry('b'),
    ])
  })

  it('removeAll goes backwards, leaves what is retained, and passes over what will not go', async () => {
    const acts: string[] = []
    const error = new Waiting('InUse', 'm')
    const stubborn = { ...fake(acts, 'b'), remove: () => Promise.reject(error) }
    const remover = (id: ResourceId) => (id.name === 'b' ? stubborn : fake(acts, id.name))
    const recorded = [entry('a'), entry('b'), entry('c', 'Retain'), entry('d')]
    const { removed, left } = await removeAll(recorded, remover, signal())
    expect(acts).toEqual(['remove d', 'remove a'])
    expect(removed.map(({ name }) => name)).toEqual(['d', 'a'])
    expect(left).toEqual([{ id: entry('b').id, error }])
  })

  it('an entry whose kind nobody knows is passed over', async () => {
    const { id } = entry('a')
    expect(await removeAll([entry('a')], () => undefined, signal())).toEqual({ removed: [id], left: [] })
  })
})
