/** Kind and name of a thing outside, known before it is made. Kinds are those of the ledger. */
export interface ResourceId {
  readonly kind: string
  readonly name: string
}

/** One difference between what is and what is wanted. */
export interface Change {
  /** What differs, for a person: "partitions: 3 → 6". */
  readonly what: string
  /** Which member of a set it is about. */
  readonly member?: string
  /** Why this change is not made; nothing at all is written while one of the changes is refused. */
  readonly refused?: { readonly reason: string; readonly message: string }
}

/** Whether a thing does its work. `afterMs` is when it is worth looking again. */
export type Health =
  | { readonly type: 'Ready'; readonly reason?: string; readonly message?: string }
  | {
      readonly type: 'NotReady'
      readonly reason: string
      readonly message: string
      readonly afterMs?: number
    }
  | { readonly type: 'Broken'; readonly reason: string; readonly message: string }

/**
 * Something outside the object: topics, a connector, a slot, a workload. `Observed` is what a look at it gives.
 * Every act may be repeated: already there and already gone are success.
 */
export interface ExternalResource<Observed = unknown> {
  readonly id: ResourceId
  /** Looks, never writes. Undefined: it does not exist. An answer asked for before `after` (ms since 1970) does not count. */
  observe(signal: AbortSignal, after?: number): Promise<Observed | undefined>
  /** Pure. Empty when what is there is what is wanted. */
  diff(observed: Observed): readonly Change[]
  /** Pure. Undefined is asked about only where a thing that is not there yet can be right. */
  health(observed: Observed): Health
  /** Makes it so. */
  apply(observed: Observed | undefined, changes: readonly Change[], signal: AbortSignal): Promise<void>
  /** Takes it away. */
  remove(signal: AbortSignal): Promise<void>
}

/** A stage of a plan: its members are made together, the next stage waits for it, and one condition tells of it. */
export interface Stage {
  readonly condition: string
  readonly members: readonly ExternalResource[]
  /** Conditions of earlier stages that it waits for; by default all of them. */
  readonly needs?: readonly string[]
}

/** A resource with the policy of its removal, as the ledger records it. */
export interface PlannedRemoval {
  readonly id: ResourceId
  readonly onRemove: 'Delete' | 'Retain'
}

/** Everything that exists because of an object, in the order in which it is made. */
export interface Plan {
  readonly stages: readonly Stage[]
  readonly ledger: readonly PlannedRemoval[]
}

/** Erases the type of what is observed, so that different resources can stand in one plan. */
export function resource<Observed>(typed: ExternalResource<Observed>): ExternalResource {
  return typed as unknown as ExternalResource
}
