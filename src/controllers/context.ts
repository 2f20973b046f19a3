import type { LedgerEntry } from '../api/common.ts'
import type { PlannedRemoval } from '../external/contract.ts'
import type { Logger } from '../lib/log.ts'
import type { AnyResource, Controller, StatusBase } from './controller.ts'

/** Keeps the object until what it made outside is gone. */
export const FINALIZER = 'penstock.dev/cleanup'

/** Where objects live; the API server, by shape. */
export interface ObjectStore<O extends AnyResource> {
  get(key: string): O | undefined
  setFinalizers(object: O, finalizers: readonly string[], signal: AbortSignal): Promise<O | undefined>
  writeStatus(object: O, status: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<O>
  event(
    object: O,
    type: 'Normal' | 'Warning',
    reason: string,
    note: string,
    signal: AbortSignal,
  ): Promise<void>
}

/** Surroundings of a reconcile. */
export interface ReconcileContext<O extends AnyResource> {
  readonly controller: Controller<O>
  readonly store: ObjectStore<O>
  readonly log: Logger
  readonly now: () => number
}

/** How soon to look again; undefined when only a change matters. */
export type Again = number | undefined

/** The kind's own fields of the present status, for a reconcile that could not look. */
export function ownStatus(object: AnyResource): Readonly<Record<string, unknown>> {
  const {
    conditions: _conditions,
    resources: _resources,
    observedGeneration: _generation,
    lastHandledReconcileAt: _requested,
    ...own
  } = (object.status ?? {}) as StatusBase & Record<string, unknown>
  return own
}

/** A ledger as the status shows it. */
export const entriesOf = (ledger: readonly PlannedRemoval[]): readonly LedgerEntry[] =>
  ledger.map(({ id, onRemove }) => ({ ...id, onRemove }))

/** The ledger that the status shows. */
export const recordedOf = (object: AnyResource): readonly PlannedRemoval[] =>
  (object.status?.resources ?? []).map(({ kind, name, onRemove }) => ({ id: { kind, name }, onRemove }))
