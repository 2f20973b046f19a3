import type { Condition, LedgerEntry, Resource } from '../api/common.ts'
import type { KindDefinition } from '../api/crd/definition.ts'
import type { ExternalResource, Plan, ResourceId } from '../external/contract.ts'
import type { DriveReport, StageReport } from '../external/drive.ts'
import type { Keeper } from './keeper.ts'

/** How soon an object at rest is looked at again: watches and polls tell of whatever changes, and this of what they miss. */
export const RESYNC_EVERY_MS = 1_800_000

/** Any object of ours, whatever its kind. */
export type AnyResource = Resource<unknown, StatusBase>

/** What every status has. */
export interface StatusBase {
  readonly observedGeneration?: number | undefined
  readonly conditions?: readonly Condition[] | undefined
  readonly lastHandledReconcileAt?: string | undefined
  readonly resources?: readonly LedgerEntry[] | undefined
}

/** Another object that an object rests on; a change of it is looked at at once. */
export interface Reference {
  readonly kind: string
  /** namespace/name */
  readonly key: string
}

/** A kind: what it refers to, and what exists because of one of its objects. Nothing else. */
export interface Controller<O extends AnyResource> {
  readonly definition: KindDefinition
  /** Conditions of the plan's stages, in order; ReferencesResolved comes first of itself. */
  readonly conditions: readonly string[]
  references(object: O): readonly Reference[]
  /** What of an object's status those see that refer to it: with its spec and its end, what they are woken by. By default nothing. */
  shows?(object: O): unknown
  /** Reads what the object refers to, and plans. Throws a verdict, which becomes ReferencesResolved=False. */
  prepare(object: O, signal: AbortSignal): Promise<Prepared>
  /** Whether anything outlives the object unless it is cleaned up: without, it gets no finalizer. By default so. */
  needsCleanup?(object: O): boolean
  /** Why the object has to stay although it is being deleted; undefined when it may go. */
  heldBy?(object: O): string | undefined
  /** Where what the cleanup of its objects needs is kept. */
  readonly keeper?: Keeper | undefined
  /** How a person takes this away without us: a statement, or a command. */
  byHand?(object: O, id: ResourceId): string
  /** Called before a look that somebody asked for: answers from before it do not count. */
  refresh(key: string): void
  /** Begins a look at an object; called again when it has come to its end, which one that fails does not. */
  look(key: string): () => void
  /** Called when the object is gone: what was remembered of it must not meet another of the same name. */
  forget(key: string): void
}

/** A plan with what goes along. */
export interface Prepared {
  readonly plan: Plan
  /** The thing behind an entry of the ledger, to take it away; undefined where its kind is unknown. */
  readonly remover: (id: ResourceId) => ExternalResource | undefined
  readonly report: (driven: DriveReport, signal: AbortSignal) => Promise<Report>
}

/** What a status says besides the stages' conditions. */
export interface Report {
  /** The kind's own fields of the status. */
  readonly status: Readonly<Record<string, unknown>>
  /** Conditions that Ready does not rest on. */
  readonly conditions: readonly StageReport[]
  /** Reason and message of Ready=True. */
  readonly ready: { readonly reason: string; readonly message: string }
  /** When to look again, milliseconds. */
  readonly afterMs: number
}
