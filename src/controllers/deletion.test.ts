import { describe, expect, it } from 'vitest'
import { Waiting } from '../lib/verdict.ts'
import { FINALIZER } from './context.ts'
import { ABANDON_ANNOTATION } from './deletion.ts'
import { type Behaviour, ENTRY, reasonOf, world } from './testing.ts'

describe('a deletion', () => {
  const dying = { finalizers: ['other', FINALIZER], deletionTimestamp: '2026-01-01T00:00:30Z' }

  it('takes away what is recorded, then lets the object go', async () => {
    const { acts, run } = world(dying, { resources: [ENTRY] })
    await run()
    expect(acts).toEqual(['removed', 'forget ns/x', 'finalizers other'])
  })

  it('of one that made nothing needs none of its references', async () => {
    const { acts, run } = world(dying, undefined, { refers: new Waiting('BackboneNotFound', 'm') })
    await run()
    expect(acts).toEqual(['forget ns/x', 'finalizers other'])
  })

  it('whose record was wiped goes by what was kept for it', async () => {
    const { acts, run } = world(dying, undefined, { kept: true })
    await run()
    expect(acts).toEqual(['removed', 'discarded', 'forget ns/x', 'finalizers other'])
  })

  it('forgets what it recorded before what was kept, and that before the object', async () => {
    const { acts, held, run } = world(dying, { resources: [ENTRY] }, { kept: true })
    await run()
    expect(acts).toEqual(['removed', 'status', 'discarded', 'forget ns/x', 'finalizers other'])
    expect(held.object?.status?.resources).toEqual([])
  })

  it.each<readonly [string, Behaviour, string, string]>([
    ['something will not go', { stays: new Waiting('SlotInUse', 'm') }, 'SlotInUse', 'remove: Fake a (m).'],
    [
      'a reference is missing',
      { refers: new Waiting('SecretNotFound', 'm') },
      'SecretNotFound',
      `remove: Fake a (m). To leave it behind, set annotation ${ABANDON_ANNOTATION}=true`,
    ],
    ['another stands on it', { held: 'Source ns/y stands on it' }, 'InUse', 'Source ns/y stands on it'],
  ])('waits where %s, says what is left and why, and tries again', async (_name, behaviour, reason, text) => {
    const { acts, held, run } = world(dying, { resources: [ENTRY] }, behaviour)
    expect(await run()).toBe(5_000)
    expect(acts).toEqual(['status'])
    expect(reasonOf(held.object, 'Ready')).toBe(reason)
    expect(reasonOf(held.object, 'CleanupPending')).toBe(reason)
    expect(held.object?.status?.conditions?.[0]?.message).toContain(text)
    expect(held.object?.status?.resources).toEqual([ENTRY])
    await run()
    expect(acts).toEqual(['status'])
  })

  it('says nothing of what passes within seconds', async () => {
    const { acts, clock, run } = world(
      dying,
      { resources: [ENTRY] },
      { stays: new Waiting('SlotInUse', 'm', 2_000) },
    )
    clock.now = Date.parse('2026-01-01T00:00:35Z')
    expect(await run()).toBe(300)
    expect(acts).toEqual([])
    clock.now += 10_000
    expect(await run()).toBe(2_000)
    expect(acts).toEqual(['status'])
  })

  it.each<readonly [string, Behaviour]>([
    ['will not go', { stays: new Waiting('SlotInUse', 'm') }],
    ['cannot be reached', { refers: new Waiting('SecretNotFound', 'm') }],
  ])('that is abandoned tells how what %s is removed by hand, and ends', async (_name, behaviour) => {
    const annotations = { [ABANDON_ANNOTATION]: 'true' }
    const { acts, run } = world({ ...dying, annotations }, { resources: [ENTRY] }, behaviour)
    await run()
    expect(acts).toEqual(['Warning event: Fake a was left behind: DROP a', 'forget ns/x', 'finalizers other'])
  })

  it('without our finalizer is not ours to finish', async () => {
    const { acts, run } = world({ ...dying, finalizers: ['other'] }, { resources: [ENTRY] })
    expect(await run()).toBeUndefined()
    expect(acts).toEqual([])
  })
})
