import type { PlannedRemoval } from '../external/contract.ts'
import { type DriveReport, drive, ledgerOf, type StageReport, verdictOfError } from '../external/drive.ts'
import { equal } from '../lib/json.ts'
import { conditionsOf, isPassing, PROGRESSING } from './conditions.ts'
import { type Again, entriesOf, FINALIZER, ownStatus, type ReconcileContext, recordedOf } from './context.ts'
import type { AnyResource, Prepared, Report } from './controller.ts'
import { tearDown } from './deletion.ts'

/** Changes that an Event tells of one by one. */
const TOLD = 8
/** When to look again after a status was written. */
const SETTLE_MS = 5_000
/** When to look again at what has just been made. */
const PASSING_MS = 200
const ARRIVAL_MS = 500
/** Set to `disabled`, the object and everything outside are left alone. */
export const RECONCILE_ANNOTATION = 'penstock.dev/reconcile'

/** A new value asks for a look at everything, now. */
export const REQUESTED_ANNOTATION = 'penstock.dev/reconcile-requested-at'

/** Makes one object so: load, plan, drive, and write the status where it differs. */
export async function reconcile<O extends AnyResource>(
  context: ReconcileContext<O>,
  key: string,
  signal: AbortSignal,
): Promise<Again> {
  const { controller, store, now } = context
  const found = store.get(key)
  if (!found) {
    controller.forget(key)
    return undefined
  }
  if (found.metadata.annotations?.[RECONCILE_ANNOTATION] === 'disabled') return pause(context, found, signal)
  if (found.metadata.deletionTimestamp) return tearDown(context, found, signal)
  const object = await withFinalizer(context, found, signal)
  if (!object) return undefined
  const requested = requestOf(object)
  if (requested && requested !== object.status?.lastHandledReconcileAt) controller.refresh(key)
  const endLook = controller.look(key)
  let prepared: Prepared
  try {
    prepared = await controller.prepare(object, signal)
  } catch (error) {
    signal.throwIfAborted()
    const verdict = verdictOfError(error)
    if (verdict.type === 'Waiting' && isArriving(object, now())) return ARRIVAL_MS
    const waits = { type: 'NotReached', message: 'waits for ReferencesResolved' } as const
    const stages = [
      { condition: 'ReferencesResolved', verdict },
      ...controller.conditions.map((condition) => ({ condition, verdict: waits })),
    ]
    await publish(
      context,
      object,
      { stages, soft: [], status: ownStatus(object), ledger: recordedOf(object) },
      signal,
    )
    return 'afterMs' in verdict ? verdict.afterMs : 15_000
  }
  const again = await driveAndReport(context, object, prepared, signal)
  endLook()
  return again
}

async function driveAndReport<O extends AnyResource>(
  context: ReconcileContext<O>,
  object: O,
  prepared: Prepared,
  signal: AbortSignal,
): Promise<Again> {
  const { store, now } = context
  const { plan, remover } = prepared
  const recorded = recordedOf(object)
  const ledger = ledgerOf(plan, recorded)
  // What is about to be made must be known before it is: a crash in between would leave it behind unseen.
  const noted = equal(entriesOf(ledger), object.status?.resources ?? [])
    ? object
    : await noteLedger(context, object, ledger, signal)
  const driven = await drive({ plan, recorded, remover, now }, signal)
  const report = await prepared.report(driven, signal)
  const complete = driven.stages.every(({ verdict }) => verdict.type === 'Ready')
  const resolved: StageReport = {
    condition: 'ReferencesResolved',
    verdict: { type: 'Ready', reason: 'Resolved' },
  }
  const said = {
    stages: [resolved, ...driven.stages],
    soft: report.conditions,
    ready: report.ready,
    status: report.status,
    ledger: complete ? plan.ledger : ledger,
  }
  const made = driven.changed.length > 0
  const passing = isPassing(noted.status?.conditions ?? [], driven.stages, made, now())
  const published = passing ? noted : await publish(context, noted, said, signal)
  if (made) await store.event(noted, 'Normal', 'Changed', noteOf(driven.changed), signal)
  const again = againAfter(driven, report)
  if (passing && complete) return Math.min(again, PASSING_MS)
  // What has just changed may have made something else different, which an earlier stage did not see yet.
  return published === noted ? again : Math.min(again, SETTLE_MS)
}

/** As many changes as one reads, and how many there are besides; an Event has room for 1 KiB. */
function noteOf(changed: readonly string[]): string {
  const rest = changed.length - TOLD
  return `${changed.slice(0, TOLD).join('; ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

/** What is applied together arrives one after the other: for a moment, a reference that is missing is on its way. */
const isArriving = ({ metadata, status }: AnyResource, now: number): boolean =>
  (status?.conditions ?? []).length === 0 && now - Date.parse(metadata.creationTimestamp) < ARRIVAL_MS * 4

function againAfter(driven: DriveReport, report: Report): number {
  const waits = driven.stages.map(({ verdict }) =>
    verdict.type === 'Waiting' ? verdict.afterMs : verdict.type === 'Failed' ? 5_000 : report.afterMs,
  )
  return Math.min(report.afterMs, ...waits)
}

async function pause<O extends AnyResource>(
  context: ReconcileContext<O>,
  object: O,
  signal: AbortSignal,
): Promise<Again> {
  const conditions = object.status?.conditions ?? []
  if (conditions.some(({ type }) => type === 'ReconciliationPaused')) return undefined
  const paused = {
    type: 'ReconciliationPaused',
    status: 'True' as const,
    reason: 'Disabled',
    message: `nothing is done while annotation ${RECONCILE_ANNOTATION} is disabled`,
    lastTransitionTime: new Date(context.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
    observedGeneration: object.metadata.generation,
  }
  await context.store.writeStatus(object, { ...object.status, conditions: [...conditions, paused] }, signal)
  return undefined
}

async function withFinalizer<O extends AnyResource>(
  { controller, store }: ReconcileContext<O>,
  object: O,
  signal: AbortSignal,
): Promise<O | undefined> {
  const finalizers = object.metadata.finalizers ?? []
  return finalizers.includes(FINALIZER) || controller.needsCleanup?.(object) === false
    ? object
    : store.setFinalizers(object, [...finalizers, FINALIZER], signal)
}

function noteLedger<O extends AnyResource>(
  context: ReconcileContext<O>,
  object: O,
  ledger: readonly PlannedRemoval[],
  signal: AbortSignal,
): Promise<O> {
  const wasReady = object.status?.conditions?.some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  )
  if (wasReady)
    return context.store.writeStatus(object, { ...object.status, resources: entriesOf(ledger) }, signal)
  const begun = { type: 'Waiting', reason: PROGRESSING, message: 'is being made', afterMs: 0 } as const
  const waits = { type: 'NotReached', message: 'is being made' } as const
  const stages = [
    { condition: 'ReferencesResolved', verdict: { type: 'Ready', reason: 'Resolved' } } as const,
    ...context.controller.conditions.map((condition, index) => ({
      condition,
      verdict: index === 0 ? begun : waits,
    })),
  ]
  return publish(context, object, { stages, soft: [], status: ownStatus(object), ledger }, signal)
}

async function publish<O extends AnyResource>(
  { store, now }: ReconcileContext<O>,
  object: O,
  said: {
    readonly stages: readonly StageReport[]
    readonly soft: readonly StageReport[]
    readonly ready?: Report['ready']
    readonly status: Readonly<Record<string, unknown>>
    readonly ledger: readonly PlannedRemoval[]
  },
  signal: AbortSignal,
): Promise<O> {
  const { generation } = object.metadata
  const conditions = conditionsOf({
    previous: object.status?.conditions ?? [],
    generation,
    now: now(),
    stages: said.stages,
    soft: said.soft,
    ready: said.ready ?? { reason: 'Ready', message: '' },
  })
  const requested = requestOf(object)
  const status = {
    ...said.status,
    observedGeneration: generation,
    conditions,
    ...(requested ? { lastHandledReconcileAt: requested } : {}),
    resources: entriesOf(said.ledger),
  }
  return equal(status, object.status) ? object : store.writeStatus(object, status, signal)
}

const requestOf = ({ metadata }: AnyResource): string | undefined =>
  metadata.annotations?.[REQUESTED_ANNOTATION]?.slice(0, 100)
