import type { LedgerEntry, ObjectMeta } from '../api/common.ts'
import { sourceKind } from '../api/source/index.ts'
import type { ExternalResource, Health } from '../external/contract.ts'
import { silentLogger } from '../lib/log.ts'
import type { ObjectStore } from './context.ts'
import type { AnyResource, Controller, StatusBase } from './controller.ts'
import type { Keeper } from './keeper.ts'
import { reconcile } from './reconcile.ts'

const signal = () => AbortSignal.timeout(5_000)
/** What the one thing of an object is in its ledger. */
export const ENTRY: LedgerEntry = { kind: 'Fake', name: 'a', onRemove: 'Delete' }

/** What a controller's objects come to. */
export interface Behaviour {
  /** What a missing reference throws. */
  readonly refers?: Error
  readonly health?: Health
  /** What a removal throws. */
  readonly stays?: Error
  readonly held?: string
  /** False: nothing outlives the object. */
  readonly needsCleanup?: boolean
  /** Whether what its cleanup needs has been kept; undefined: nothing keeps. */
  readonly kept?: boolean
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

function keeperOf(kept: boolean, acts: string[]): Keeper {
  return {
    recall: async () => (kept ? { backbones: {}, secrets: {} } : undefined),
    keep: async () => void acts.push('kept'),
    discard: async () => void acts.push('discarded'),
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
    look: () => () => undefined,
    forget: (key) => void acts.push(`forget ${key}`),
    heldBy: () => behaviour.held,
    needsCleanup: () => behaviour.needsCleanup ?? true,
    byHand: (_object, { name }) => `DROP ${name}`,
    ...(behaviour.kept === undefined ? {} : { keeper: keeperOf(behaviour.kept, acts) }),
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
export function world(
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

/** Reason of a condition. */
export const reasonOf = (object: AnyResource | undefined, type: string): string | undefined =>
  object?.status?.conditions?.find((condition) => condition.type === type)?.reason
