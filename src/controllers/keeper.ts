import type { Backbone } from '../api/backbone.ts'
import type { Resource } from '../api/common.ts'

/** Any object of ours. */
export type Owner = Resource<unknown, unknown>

/** The data of a Secret, decoded. */
export type SecretData = Readonly<Record<string, string>>

/** What an object's references came to, by namespace/name: enough to take away what exists because of it. */
export interface Kept {
  readonly backbones: Readonly<Record<string, Backbone>>
  readonly secrets: Readonly<Record<string, SecretData>>
}

/** Keeps it where the end of the object's namespace does not take it along. Calls throw when the API server refuses. */
export interface Keeper {
  /** What was kept for this object; undefined: it was never resolved, or has been discarded. */
  recall(owner: Owner, signal: AbortSignal): Promise<Kept | undefined>
  /** Writes where it differs. */
  keep(owner: Owner, kept: Kept, signal: AbortSignal): Promise<void>
  discard(owner: Owner, signal: AbortSignal): Promise<void>
}

/** Whether a Secret is there with all of these keys. */
export const hasAll = (data: SecretData | undefined, keys: readonly string[]): boolean =>
  data !== undefined && keys.every((key) => data[key])
