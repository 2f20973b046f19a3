import { describe, expect, it } from 'vitest'

import type { Condition } from '../api/common.ts'
import type { StageReport, StageVerdict } from '../external/drive.ts'
import { conditionsOf, isPassing, PROGRESSING } from './conditions.ts'

const NOW = Date.parse('2026-01-02T03:04:05Z')
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z')

const READY: StageVerdict = { type: 'Ready' }
const waiting = (reason: string): StageVerdict => ({
  type: 'Waiting',
  reason,
  message: 'do this',
  afterMs: 5_000,
})
const stalled = (reason: string): StageVerdict => ({ type: 'Stalled', reason, message: 'do this' })
const earlier = (type: string, status: Condition['status'], reason: string, seconds = 60): Condition => ({
  type,
  status,
  reason,
  message: '',
  lastTransitionTime: ago(seconds),
  observedGeneration: 1,
})
const WAS_READY = [earlier('Ready', 'True', 'Streaming')]
const NEVER_READY = [earlier('Ready', 'False', 'X'), earlier('Reconciling', 'True', 'X')]

function conditions(
  verdict: StageVerdict,
  previous: readonly Condition[],
  ready = { reason: 'Streaming', message: '' },
  soft: readonly StageReport[] = [],
): readonly Condition[] {
  const stages = [
    { condition: 'First', verdict: READY },
    { condition: 'Second', verdict },
  ]
  return conditionsOf({ previous, generation: 2, now: NOW, stages, soft, ready })
}
const shown = (found: readonly Condition[], type: string): string => {
  const condition = found.find((candidate) => candidate.type === type)
  return condition ? `${condition.status} ${condition.reason}` : 'absent'
}

describe('Ready, Reconciling and Stalled', () => {
  it('what only a person can help is said before what may pass, wherever it stands', () => {
    const found = conditionsOf({
      ...{ previous: [], generation: 2, now: NOW, soft: [] },
      stages: [
        { condition: 'First', verdict: waiting('ConnectUnreachable') },
        { condition: 'Second', verdict: stalled('SlotLost') },
      ],
      ready: { reason: 'Fine', message: '' },
    })
    expect([shown(found, 'Ready'), shown(found, 'Stalled')]).toEqual(['False SlotLost', 'True SlotLost'])
  })

  it.each<
    readonly [
      string,
      StageVerdict,
      readonly Condition[],
      { ready: string; reconciling: string; stalled: string },
    ]
  >([
    ['everything is ready', READY, [], { ready: 'True Streaming', reconciling: 'absent', stalled: 'absent' }],
    [
      'a reference is missing at the first look',
      waiting('SecretNotFound'),
      [],
      { ready: 'False SecretNotFound', reconciling: 'True SecretNotFound', stalled: 'absent' },
    ],
    [
      'a system cannot be reached, never Ready so far',
      waiting('ConnectUnreachable'),
      NEVER_READY,
      { ready: 'False ConnectUnreachable', reconciling: 'True ConnectUnreachable', stalled: 'absent' },
    ],
    [
      'the same after it was Ready',
      waiting('ConnectUnreachable'),
      WAS_READY,
      { ready: 'False ConnectUnreachable', reconciling: 'absent', stalled: 'absent' },
    ],
    [
      'and it stays so at the next look',
      waiting('ConnectUnreachable'),
      [earlier('Ready', 'False', 'ConnectUnreachable')],
      { ready: 'False ConnectUnreachable', reconciling: 'absent', stalled: 'absent' },
    ],
    [
      'something impossible, never Ready so far',
      stalled('NotOurs'),
      [],
      { ready: 'False NotOurs', reconciling: 'absent', stalled: 'True NotOurs' },
    ],
    [
      'something impossible after it was Ready',
      stalled('SlotLost'),
      WAS_READY,
      { ready: 'False SlotLost', reconciling: 'absent', stalled: 'True SlotLost' },
    ],
    [
      'an error that nobody foresaw',
      { type: 'Failed', message: 'boom' },
      [],
      { ready: 'False Error', reconciling: 'True Error', stalled: 'absent' },
    ],
    [
      'a wrong password, just now, though it was Ready',
      waiting('AuthenticationFailed'),
      WAS_READY,
      { ready: 'False AuthenticationFailed', reconciling: 'True AuthenticationFailed', stalled: 'absent' },
    ],
    [
      'a wrong password for a minute',
      waiting('AuthenticationFailed'),
      [earlier('Ready', 'False', 'AuthenticationFailed', 60)],
      { ready: 'False AuthenticationFailed', reconciling: 'True AuthenticationFailed', stalled: 'absent' },
    ],
    [
      'a wrong password for two minutes',
      waiting('AuthenticationFailed'),
      [earlier('Ready', 'False', 'AuthenticationFailed', 120)],
      { ready: 'False AuthenticationFailed', reconciling: 'absent', stalled: 'True AuthenticationFailed' },
    ],
  ])('%s', (_name, verdict, previous, expected) => {
    const found = conditions(verdict, previous)
    expect({
      ready: shown(found, 'Ready'),
      reconciling: shown(found, 'Reconciling'),
      stalled: shown(found, 'Stalled'),
    }).toEqual(expected)
  })

  it.each([
    ['Snapshotting', 'the initial snapshot is being taken'],
    ['Paused', 'as asked'],
    ['Stopped', 'as asked'],
  ])('%s is a kind of Ready', (reason, message) => {
    const [ready] = conditions(READY, [], { reason, message })
    expect(ready).toMatchObject({ type: 'Ready', status: 'True', reason, message })
  })

  it('Ready does not rest on lag or the health of a slot', () => {
    const soft = [{ condition: 'LagWithinThreshold', verdict: waiting('LagTooHigh') }]
    const found = conditions(READY, [], undefined, soft)
    expect(shown(found, 'Ready')).toBe('True Streaming')
    expect(shown(found, 'LagWithinThreshold')).toBe('False LagTooHigh')
  })

  it('Ready comes first, and says what the first stage that is not ready says', () => {
    const found = conditions(waiting('Later'), [])
    expect(found[0]).toMatchObject({ type: 'Ready', status: 'False', reason: 'Later', message: 'do this' })
  })
})

describe('a condition a stage', () => {
  it.each<readonly [string, StageVerdict, string]>([
    ['ready', READY, 'True Ready'],
    ['ready with a word', { type: 'Ready', reason: 'Paused' }, 'True Paused'],
    ['waiting', waiting('Later'), 'False Later'],
    ['stalled', stalled('Never'), 'False Never'],
    ['failed', { type: 'Failed', message: 'boom' }, 'False Error'],
    ['not reached', { type: 'NotReached', message: 'waits for First' }, 'Unknown NotReached'],
  ])('%s', (_name, verdict, expected) => {
    expect(shown(conditions(verdict, []), 'Second')).toBe(expected)
  })

  it('lastTransitionTime moves only when the status does', () => {
    const previous = [earlier('Ready', 'False', 'Other', 600), earlier('First', 'False', 'Other', 600)]
    const found = conditions(waiting('Later'), previous)
    const timeOf = (type: string) => found.find((one) => one.type === type)?.lastTransitionTime
    expect(timeOf('Ready')).toBe(ago(600))
    expect(timeOf('First')).toBe(ago(0))
    expect(timeOf('Second')).toBe(ago(0))
  })

  it('speaks of the present generation, in at most 1 KiB', () => {
    const long = { type: 'Stalled', reason: 'R', message: 'x'.repeat(5_000) } as const
    for (const condition of conditions(long, [])) {
      expect(condition.observedGeneration).toBe(2)
      expect(condition.message.length).toBeLessThanOrEqual(1_024)
    }
  })
})

describe('the passing steps of a first start', () => {
  const started = (seconds: number, waited = seconds) => [
    earlier('Reconciling', 'True', PROGRESSING, waited),
    earlier('A', 'False', PROGRESSING, seconds),
  ]
  const soon: StageVerdict = { type: 'Waiting', reason: 'Starting', message: '', afterMs: 1_000 }
  it('the end is written once nothing was made on the way to it', () => {
    const stages = [{ condition: 'A', verdict: READY }]
    expect(isPassing(started(1), stages, true, NOW)).toBe(true)
    expect(isPassing(started(1), stages, false, NOW)).toBe(false)
    expect(isPassing(started(11), stages, true, NOW)).toBe(false)
  })

  it.each<readonly [string, readonly Condition[], StageVerdict, boolean]>([
    ['a wait of a moment is not written', started(1), soon, true],
    ['a longer wait is', started(1), waiting('TableNotFound'), false],
    ['what only a person can help is', started(1), stalled('NotOurs'), false],
    ['the end is', started(1), READY, false],
    ['after ten seconds every step is', started(11), soon, false],
    ['ten seconds from when it began, whatever it had waited for', started(1, 600), soon, true],
    [
      'so it is when something else had been said',
      [earlier('Reconciling', 'True', 'SecretNotFound', 1)],
      soon,
      false,
    ],
    ['and when it was Ready before', WAS_READY, soon, false],
  ])('%s', (_name, previous, verdict, passing) => {
    expect(isPassing(previous, [{ condition: 'A', verdict }], false, NOW)).toBe(passing)
  })
})
