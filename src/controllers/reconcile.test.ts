import { describe, expect, it } from 'vitest'
import { Waiting } from '../lib/verdict.ts'
import { FINALIZER } from './context.ts'
import { RECONCILE_ANNOTATION } from './reconcile.ts'
import { ENTRY, reasonOf, world } from './testing.ts'

describe('a reconcile', () => {
  it('keeps the object, writes the ledger before it makes anything, and says Ready at the end', async () => {
    const { acts, held, run } = world()
    // What was made just now is looked at once more before anything is said.
    expect(await run()).toBe(200)
    expect(await run()).toBe(5_000)
    expect(acts).toEqual([
      `finalizers ${FINALIZER}`,
      'status',
      'made',
      'Normal event: Fake a created',
      'status',
    ])
    expect(held.object?.status).toMatchObject({ observedGeneration: 1, resources: [ENTRY], own: 1 })
    expect(reasonOf(held.object, 'Ready')).toBe('Fine')
    expect(held.object?.status?.conditions?.map(({ type }) => type)).toEqual([
      'Ready',
      'ReferencesResolved',
      'Made',
    ])
  })

  it('an object that nothing outlives gets no finalizer: it goes when it is told to, whoever runs', async () => {
    const { acts, run } = world({}, undefined, { needsCleanup: false })
    await run()
    expect(acts).not.toContain(`finalizers ${FINALIZER}`)
    expect(acts).toContain('made')
  })

  it('writes nothing when nothing has changed', async () => {
    const { acts, run } = world()
    await run()
    await run()
    acts.length = 0
    await run()
    expect(acts).toEqual([])
  })

  it('a reference that is missing is said, with the conditions after it unknown, and its ledger is kept', async () => {
    const missing = new Waiting('SecretNotFound', 'create it', 3_000)
    const status = { own: 7, resources: [ENTRY] }
    const { held, run } = world({ finalizers: [FINALIZER] }, status, { refers: missing })
    expect(await run()).toBe(3_000)
    expect(reasonOf(held.object, 'ReferencesResolved')).toBe('SecretNotFound')
    expect(reasonOf(held.object, 'Made')).toBe('NotReached')
    expect(held.object?.status).toMatchObject(status)
  })

  it('of one that has just come, a missing reference is given two seconds to come too', async () => {
    const missing = new Waiting('BackboneNotFound', 'create it', 30_000)
    const { acts, clock, run } = world({ finalizers: [FINALIZER] }, undefined, { refers: missing })
    clock.now = Date.parse('2026-01-01T00:00:01Z')
    expect(await run()).toBe(500)
    expect(acts).toEqual([])
    clock.now += 1_000
    expect(await run()).toBe(30_000)
    expect(acts).toEqual(['status'])
  })

  it('a look that is asked for takes no earlier answer, once for each request', async () => {
    const annotations = { 'penstock.dev/reconcile-requested-at': 'noon' }
    const { acts, held, run } = world({ finalizers: [FINALIZER], annotations })
    await run()
    await run()
    expect(acts.filter((act) => act === 'refresh')).toHaveLength(1)
    expect(held.object?.status?.lastHandledReconcileAt).toBe('noon')
  })

  it('looks again when the thing itself says', async () => {
    const health = { type: 'NotReady', reason: 'R', message: 'm', afterMs: 700 } as const
    expect(await world({}, undefined, { health }).run()).toBe(700)
  })

  it('of an object that is gone forgets what it knew', async () => {
    const { acts, held, run } = world()
    held.object = undefined
    expect(await run()).toBeUndefined()
    expect(acts).toEqual(['forget ns/x'])
  })

  it('leaves a disabled one alone, and says so once', async () => {
    const { acts, held, run } = world({ annotations: { [RECONCILE_ANNOTATION]: 'disabled' } })
    await run()
    await run()
    expect(acts).toEqual(['status'])
    expect(reasonOf(held.object, 'ReconciliationPaused')).toBe('Disabled')
  })

  it('leaves a disabled one alone also while it is deleted', async () => {
    const { acts, run } = world({
      annotations: { [RECONCILE_ANNOTATION]: 'disabled' },
      finalizers: [FINALIZER],
      deletionTimestamp: '2026-01-01T00:00:30Z',
    })
    await run()
    expect(acts).toEqual(['status'])
  })
})
