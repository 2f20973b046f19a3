import type { ResourceId } from '../external/contract.ts'
import { type Left, ledgerOf, removeAll, verdictOfError } from '../external/drive.ts'
import { equal } from '../lib/json.ts'
import { CLEANUP_PENDING, pendingConditions } from './conditions.ts'
import { type Again, FINALIZER, type ReconcileContext, recordedOf } from './context.ts'
import type { AnyResource, Prepared } from './controller.ts'
import { keyOf } from './services.ts'

/** Set to `true`, an object that is being deleted goes although some of what it made cannot be taken away. */
export const ABANDON_ANNOTATION = 'penstock.dev/abandon'

const AGAIN_MS = 5_000
const SLOWEST_MS = 30_000
/** What goes well is over within this time, and no step of it lasts longer than that. */
const PASSING_MS = 10_000
const STEP_MS = 2_000
const SOON_MS = 300

/** Takes away what exists because of an object, and then lets it go. */
export async function tearDown<O extends AnyResource>(
  context: ReconcileContext<O>,
  object: O,
  signal: AbortSignal,
): Promise<Again> {
  const { controller, store, log } = context
  if (!object.metadata.finalizers?.includes(FINALIZER)) return undefined
  const message = controller.heldBy?.(object)
  if (message) {
    await sayPending(context, object, { reason: 'InUse', message }, signal)
    return AGAIN_MS
  }
  const left = await cleanUp(context, object, signal)
  const abandoned = object.metadata.annotations?.[ABANDON_ANNOTATION] === 'true'
  if (left.length > 0 && !abandoned) return waitFor(context, object, left, signal)
  for (const { id } of left) {
    const note = `${nameOf(id)} was left behind: ${controller.byHand?.(object, id) ?? 'remove it by hand'}`
    log.warn({ object: keyOf(object), note }, 'abandoned')
    await store.event(object, 'Warning', 'LeftBehind', note, signal)
  }
  return letGo(context, object, signal)
}

/** Everything in one round, also where some of it was away in an earlier one: what has come back goes again. */
async function cleanUp<O extends AnyResource>(
  { controller, log }: ReconcileContext<O>,
  object: O,
  signal: AbortSignal,
): Promise<readonly Left[]> {
  const recorded = recordedOf(object)
  // Nothing is made before it is recorded; where the record was wiped, what was kept tells that there was one.
  if (recorded.length === 0 && !(await controller.keeper?.recall(object, signal))) return []
  let prepared: Prepared
  try {
    prepared = await controller.prepare(object, signal)
  } catch (error) {
    signal.throwIfAborted()
    const whole = { kind: object.kind, name: keyOf(object) }
    const doomed = recorded.filter(({ onRemove }) => onRemove === 'Delete').map(({ id }) => id)
    return (recorded.length > 0 ? doomed : [whole]).map((id) => ({ id, error }))
  }
  // The spec's last word on what to keep counts, not what was recorded when the thing was made.
  const { removed, left } = await removeAll(ledgerOf(prepared.plan, recorded), prepared.remover, signal)
  for (const id of removed) log.info({ object: keyOf(object), removed: nameOf(id) }, 'removed')
  return left
}

async function waitFor<O extends AnyResource>(
  context: ReconcileContext<O>,
  object: O,
  left: readonly Left[],
  signal: AbortSignal,
): Promise<Again> {
  const verdicts = left.map(({ error }) => verdictOfError(error))
  const waits = verdicts.map((verdict) => ('afterMs' in verdict ? verdict.afterMs : AGAIN_MS))
  const age = context.now() - Date.parse(object.metadata.deletionTimestamp ?? '')
  const said = object.status?.conditions?.some(({ type }) => type === CLEANUP_PENDING)
  // A connector stops and its slot comes to rest within a moment: not worth a write.
  if (!said && age < PASSING_MS && waits.every((wait) => wait <= STEP_MS)) return SOON_MS
  const [first] = verdicts
  const reason = first && 'reason' in first ? first.reason : 'Error'
  await sayPending(context, object, { reason, message: leftWords(left) }, signal)
  return Math.min(SLOWEST_MS, ...waits)
}

/** What is left, by why. */
function leftWords(left: readonly Left[]): string {
  const told = left.map(({ id, error }) => {
    const verdict = verdictOfError(error)
    return { name: nameOf(id), message: verdict.message, why: 'reason' in verdict ? verdict.reason : '' }
  })
  const parts = [...Map.groupBy(told, ({ why, message }) => why || message).values()].map(
    (alike) => `${alike.map(({ name }) => name).join(', ')} (${alike[0]?.message})`,
  )
  return `left to remove: ${parts.join('; ')}. To leave it behind, set annotation ${ABANDON_ANNOTATION}=true`
}

async function sayPending<O extends AnyResource>(
  { store, now }: ReconcileContext<O>,
  object: O,
  why: { readonly reason: string; readonly message: string },
  signal: AbortSignal,
): Promise<void> {
  const { generation } = object.metadata
  const previous = object.status?.conditions ?? []
  const conditions = pendingConditions({ previous, generation, now: now() }, why)
  const status = { ...object.status, observedGeneration: generation, conditions }
  if (!equal(status, object.status)) await store.writeStatus(object, status, signal)
}

async function letGo<O extends AnyResource>(
  { controller, store }: ReconcileContext<O>,
  object: O,
  signal: AbortSignal,
): Promise<Again> {
  const { keeper } = controller
  // A crash after the keeper has discarded must not leave an object that asks for what was kept.
  const cleared =
    keeper && recordedOf(object).length > 0
      ? await store.writeStatus(object, { ...object.status, resources: [] }, signal)
      : object
  await keeper?.discard(object, signal)
  controller.forget(keyOf(object))
  const others = (cleared.metadata.finalizers ?? []).filter((name) => name !== FINALIZER)
  await store.setFinalizers(cleared, others, signal)
  return undefined
}

const nameOf = ({ kind, name }: ResourceId): string => `${kind} ${name}`
