import { messageOf, Stalled, Waiting } from '../lib/verdict.ts'
import type { ExternalResource, Health, Plan, PlannedRemoval, ResourceId } from './contract.ts'
import { type Converged, converge } from './converge.ts'

/** What a stage came to; NotReached: an earlier one is not ready. Failed: an error that is tried again. */
export type StageVerdict =
  | Exclude<Health, { type: 'NotReady' | 'Broken' }>
  | { readonly type: 'Waiting'; readonly reason: string; readonly message: string; readonly afterMs: number }
  | { readonly type: 'Stalled'; readonly reason: string; readonly message: string }
  | { readonly type: 'Failed'; readonly message: string }
  | { readonly type: 'NotReached'; readonly message: string }

/** The verdict on one condition. */
export interface StageReport {
  readonly condition: string
  readonly verdict: StageVerdict
}

/** What driving a plan gave. */
export interface DriveReport {
  readonly stages: readonly StageReport[]
  /** What was seen, by `kind/name`. */
  readonly observed: ReadonlyMap<string, unknown>
  /** What was written, for an Event. */
  readonly changed: readonly string[]
}

/**
 * Makes a plan so: stages in order, members of a stage together, and what is recorded but no longer planned taken
 * away last, only when every stage is ready. The ledger has been written before this is called.
 */
export async function drive(
  options: {
    readonly plan: Plan
    readonly recorded: readonly PlannedRemoval[]
    readonly remover: (id: ResourceId) => ExternalResource | undefined
    readonly now: () => number
  },
  signal: AbortSignal,
): Promise<DriveReport> {
  const stages: StageReport[] = []
  const observed = new Map<string, unknown>()
  const changed: string[] = []
  for (const { condition, members, needs } of options.plan.stages) {
    const blocker = stages.find(
      (stage) => stage.verdict.type !== 'Ready' && (needs?.includes(stage.condition) ?? true),
    )
    if (blocker) {
      stages.push({ condition, verdict: { type: 'NotReached', message: `waits for ${blocker.condition}` } })
      continue
    }
    const results = await Promise.all(members.map((member) => attempt(member, options.now, signal)))
    for (const [index, result] of results.entries()) {
      const id = members[index]?.id
      if (id && result.converged) observed.set(`${id.kind}/${id.name}`, result.converged.observed)
      changed.push(...(result.converged?.changed ?? []))
    }
    stages.push({ condition, verdict: worst(results.map(({ verdict }) => verdict)) })
  }
  if (stages.every(({ verdict }) => verdict.type === 'Ready')) {
    changed.push(...(await prune(options.plan, options.recorded, options.remover, signal)))
  }
  return { stages, observed, changed }
}

/** A thing that would not go. */
export interface Left {
  readonly id: ResourceId
  readonly error: unknown
}

/** What a removal came to. */
export interface Removal {
  readonly removed: readonly ResourceId[]
  readonly left: readonly Left[]
}

/** Takes away everything that is recorded, last made first; what will not go keeps nothing else from going. */
export async function removeAll(
  recorded: readonly PlannedRemoval[],
  remover: (id: ResourceId) => ExternalResource | undefined,
  signal: AbortSignal,
): Promise<Removal> {
  const removed: ResourceId[] = []
  const left: Left[] = []
  for (const { id } of recorded.filter(({ onRemove }) => onRemove === 'Delete').toReversed()) {
    try {
      await remover(id)?.remove(signal)
      removed.push(id)
    } catch (error) {
      signal.throwIfAborted()
      left.push({ id, error })
    }
  }
  return { removed, left }
}

/** The ledger that must stand before a plan is driven: what is recorded and what is planned. */
export function ledgerOf(plan: Plan, recorded: readonly PlannedRemoval[]): readonly PlannedRemoval[] {
  return [...recorded.filter((entry) => !isPlanned(plan, entry)), ...plan.ledger]
}

const isPlanned = (plan: Plan, { id }: PlannedRemoval): boolean =>
  plan.ledger.some((entry) => entry.id.kind === id.kind && entry.id.name === id.name)

async function prune(
  plan: Plan,
  recorded: readonly PlannedRemoval[],
  remover: (id: ResourceId) => ExternalResource | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { removed, left } = await removeAll(
    recorded.filter((entry) => !isPlanned(plan, entry)),
    remover,
    signal,
  )
  for (const { error } of left) throw error
  return removed.map(({ kind, name }) => `${kind} ${name} removed`)
}

async function attempt(
  member: ExternalResource,
  now: () => number,
  signal: AbortSignal,
): Promise<{ readonly verdict: StageVerdict; readonly converged?: Converged }> {
  try {
    const converged = await converge(member, now, signal)
    return { verdict: verdictOfHealth(converged.health), converged }
  } catch (error) {
    return { verdict: verdictOfError(error) }
  }
}

function verdictOfHealth(health: Health): StageVerdict {
  switch (health.type) {
    case 'Ready':
      return health
    case 'NotReady':
      return {
        type: 'Waiting',
        reason: health.reason,
        message: health.message,
        afterMs: health.afterMs ?? 5_000,
      }
    case 'Broken':
      return { type: 'Stalled', reason: health.reason, message: health.message }
  }
}

/** The verdict that something thrown stands for. */
export function verdictOfError(error: unknown): Exclude<StageVerdict, { type: 'Ready' | 'NotReached' }> {
  if (error instanceof Waiting) {
    return { type: 'Waiting', reason: error.reason, message: error.message, afterMs: error.afterMs }
  }
  if (error instanceof Stalled) return { type: 'Stalled', reason: error.reason, message: error.message }
  return { type: 'Failed', message: messageOf(error) }
}

const SEVERITY: Readonly<Record<StageVerdict['type'], number>> = {
  Ready: 0,
  NotReached: 1,
  Waiting: 2,
  Failed: 3,
  Stalled: 4,
}

/** The worst verdict; of equal ones the first. */
function worst(verdicts: readonly StageVerdict[]): StageVerdict {
  const [first, ...rest] = verdicts
  return rest.reduce((a, b) => (SEVERITY[b.type] > SEVERITY[a.type] ? b : a), first ?? { type: 'Ready' })
}
