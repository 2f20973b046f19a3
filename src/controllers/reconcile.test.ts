import { describe, expect, it } from 'vitest'

import type { LedgerEntry, ObjectMeta } from '../api/common.ts'
import { sourceKind } from '../api/source/index.ts'
import type { ExternalResource, Health } from '../external/contract.ts'
import { silentLogger } from '../lib/log.ts'
import { Waiting } from '../lib/verdict.ts'
import type { AnyResource, Controller, StatusBase } from './controller.ts'
import { FINALIZER, type ObjectStore, RECONCILE_ANNOTATION, reconcile } from './reconcile.ts'

const signal = () => AbortSignal.timeout(5_000)
const ENTRY: LedgerEntry = { kind: 'Fake', name: 'a', onRemove: 'Delete' }

interface Behaviour {
  /** What a missing reference throws. */
  readonly refers?: Error
  readonly health?: Health
  /** What a removal throws. */
  readonly stays?: Error
  readonly held?: string
}

/** The present object of a store. */
interface Held {
  object: AnyResource | undefined
}

function storeOf(held: Held, acts: string[]): ObjectStore<AnyResource> {
  return {
    get: () => held.object,
    setFinalizers: async (object, finalizers) => {
      acts.push(`finalizers ${finalizers.join()}`)
      held.object = { ...object, metadata: { ...object.metadata, finalizers } }
      return held.object
    },
    writeStatus: async (object, written) => {
      acts.push('status')
      held.object = { ...object, status: written as StatusBase }
      return held.object
    },
    event: async (_object, type, _reason, note) => void acts.push(`${type} event: ${note}`),
  }
}

function thingOf(behaviour: Behaviour, acts: string[]): ExternalResource {
  const outside = { exists: false }
  return {
    id: { kind: 'Fake', name: 'a' },
    observe: async () => (outside.exists ? {} : undefined),
    diff: () => [],
    health: () => behaviour.health ?? { type: 'Ready' },
    apply: async () => {
      acts.push('made')
      outside.exists = true
    },
    remove: async () => {
      if (behaviour.stays) throw behaviour.stays
      acts.push('removed')
    },
  }
}

/** A controller whose objects are one thing outside. */
function controllerOf(behaviour: Behaviour, acts: string[]): Controller<AnyResource> {
  const thing = thingOf(behaviour, acts)
  return {
    definition: sourceKind,
    conditions: ['Made'],
    references: () => [],
    refresh: () => void acts.push('refresh'),
    forget: (key) => void acts.push(`forget ${key}`),
    heldBy: () => behaviour.held,
    prepare: async () => {
      if (behaviour.refers) throw behaviour.refers
      return {
        plan: {
          stages: [{ condition: 'Made', members: [thing] }],
          ledger: [{ id: thing.id, onRemove: 'Delete' }],
        },
        remover: () => thing,
        report: async () => ({
          status: { own: 1 },
          conditions: [],
          ready: { reason: 'Fine', message: '' },
          afterMs: 5_000,
        }),
      }
    },
  }
}

/** A store with one object, its controller, and what was done, in order. */
function world(
  metadata: Partial<ObjectMeta> = {},
  status?: StatusBase & Readonly<Record<string, unknown>>,
  behaviour: Behaviour = {},
) {
  const acts: string[] = []
  const clock = { now: Date.parse('2026-01-01T00:01:00Z') }
  const held: Held = {
    object: {
      apiVersion: 'v',
      kind: 'Source',
      metadata: {
        name: 'x',
        namespace: 'ns',
        uid: 'u',
        resourceVersion: '1',
        generation: 1,
        creationTimestamp: '2026-01-01T00:00:00Z',
        ...metadata,
      },
      spec: {},
      ...(status ? { status } : {}),
    },
  }
  const context = {
    controller: controllerOf(behaviour, acts),
    store: storeOf(held, acts),
    log: silentLogger(),
    now: () => clock.now,
  }
  return { acts, held, clock, run: () => reconcile(context, 'ns/x', signal()) }
}

const reasonOf = (object: AnyResource | undefined, type: string): string | undefined =>
  object?.status?.conditions?.find((condition) => condition.type === type)?.reason

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

  it.each<readonly [string, Parameters<typeof world>[2], string]>([
    ['something will not go', { stays: new Waiting('SlotInUse', 'm') }, 'SlotInUse'],
    ['a reference is missing', { refers: new Waiting('SecretNotFound', 'm') }, 'SecretNotFound'],
    ['another stands on it', { held: 'Source ns/y stands on it' }, 'InUse'],
  ])('waits where %s, says what is left, and tries again', async (_name, behaviour, reason) => {
    const { acts, held, run } = world(dying, { resources: [ENTRY] }, behaviour)
    expect(await run()).toBe(5_000)
    expect(acts).toEqual(['status'])
    expect(reasonOf(held.object, 'Ready')).toBe(reason)
    expect(held.object?.status?.conditions?.[0]?.message).toContain('left to remove: Fake a')
    expect(held.object?.status?.resources).toEqual([ENTRY])
  })

  it('without our finalizer is not ours to finish', async () => {
    const { acts, run } = world({ ...dying, finalizers: ['other'] }, { resources: [ENTRY] })
    expect(await run()).toBeUndefined()
    expect(acts).toEqual([])
  })
})
