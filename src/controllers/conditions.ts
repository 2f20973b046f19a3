import type { Condition } from '../api/common.ts'
import type { StageReport, StageVerdict } from '../external/drive.ts'

/** How long a refused login counts as something that may heal by itself. */
const LOGIN_GRACE_MS = 120_000
const MESSAGE_LIMIT = 1_024
/** The steps of a start that goes well follow one another within this time, and each lasts no longer than that. */
const START_MS = 10_000
const STEP_MS = 2_000
/** Reason of Ready while an object is made for the first time. */
export const PROGRESSING = 'Progressing'

/** There while what a deleted object made outside is still to be taken away. */
export const CLEANUP_PENDING = 'CleanupPending'

/** What the conditions are made from. */
export interface ConditionsInput {
  readonly previous: readonly Condition[]
  readonly generation: number
  readonly now: number
  /** The plan's stages, in order; Ready rests on all of them. */
  readonly stages: readonly StageReport[]
  /** Conditions that Ready does not rest on. */
  readonly soft: readonly StageReport[]
  /** Reason and message of Ready where every stage is ready. */
  readonly ready: { readonly reason: string; readonly message: string }
}

/**
 * The one place where verdicts become conditions. Ready is there always; Reconciling and Stalled (kstatus) only while
 * they are true: Reconciling until the object was Ready for the first time, Stalled when only a person can help.
 */
export function conditionsOf(input: ConditionsInput): readonly Condition[] {
  // What only a person can help is said before what may pass.
  const blocker =
    input.stages.find(({ verdict }) => verdict.type === 'Stalled') ??
    input.stages.find(({ verdict }) => verdict.type !== 'Ready')
  const states = [
    blocker ? notReady(blocker) : { type: 'Ready', status: 'True' as const, ...input.ready },
    ...(blocker ? progress(blocker, input) : []),
    ...[...input.stages, ...input.soft].map(stateOf),
  ]
  return states.map((state) => stamp(state, input))
}

/** Conditions of an object that is being deleted and has to stay for now. */
export function pendingConditions(
  input: Pick<ConditionsInput, 'previous' | 'generation' | 'now'>,
  why: Pick<Condition, 'reason' | 'message'>,
): readonly Condition[] {
  const states: readonly State[] = [
    { type: 'Ready', status: 'False', ...why },
    { type: CLEANUP_PENDING, status: 'True', ...why },
  ]
  return states.map((state) => stamp(state, input))
}

type State = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

function stateOf({ condition, verdict }: StageReport): State {
  switch (verdict.type) {
    case 'Ready':
      return {
        type: condition,
        status: 'True',
        reason: verdict.reason ?? 'Ready',
        message: verdict.message ?? '',
      }
    case 'NotReached':
      return { type: condition, status: 'Unknown', reason: 'NotReached', message: verdict.message }
    case 'Waiting':
    case 'Stalled':
    case 'Failed':
      return { type: condition, status: 'False', ...reasonOf(verdict) }
  }
}

const notReady = ({ verdict }: StageReport): State => ({
  type: 'Ready',
  status: 'False',
  ...reasonOf(verdict),
})

function reasonOf(verdict: StageVerdict): Pick<State, 'reason' | 'message'> {
  switch (verdict.type) {
    case 'Ready':
    case 'NotReached':
      return { reason: 'NotReached', message: verdict.message ?? '' }
    case 'Failed':
      return { reason: 'Error', message: `${verdict.message} (tried again)` }
    case 'Waiting':
    case 'Stalled':
      return { reason: verdict.reason, message: verdict.message }
  }
}

function progress(blocker: StageReport, input: ConditionsInput): readonly State[] {
  const detail = reasonOf(blocker.verdict)
  const stalled: State = { type: 'Stalled', status: 'True', ...detail }
  const reconciling: State = { type: 'Reconciling', status: 'True', ...detail }
  if (blocker.verdict.type === 'Stalled') return [stalled]
  const before = (type: string) => input.previous.find((condition) => condition.type === type)
  if (detail.reason === 'AuthenticationFailed') {
    const ready = before('Ready')
    const since = ready?.reason === detail.reason ? Date.parse(ready.lastTransitionTime) : input.now
    return [input.now - since < LOGIN_GRACE_MS ? reconciling : stalled]
  }
  // Ready=False with neither of the two stands for an object that was Ready once.
  const wasReady = before('Ready') !== undefined && !before('Reconciling') && !before('Stalled')
  return wasReady ? [] : [reconciling]
}

const SUMMARY: readonly string[] = ['Ready', 'Reconciling']

/**
 * Whether a first start is on its way and what it waits for passes within a moment, or something was `made` just now, of
 * which earlier stages do not know yet: not worth a write for each step.
 */
export function isPassing(
  previous: readonly Condition[],
  stages: readonly StageReport[],
  made: boolean,
  now: number,
): boolean {
  if (previous.find(({ type }) => type === 'Reconciling')?.reason !== PROGRESSING) return false
  // That of the first stage: Ready and Reconciling may stand since something else was waited for.
  const begun = previous.find(({ type, reason }) => reason === PROGRESSING && !SUMMARY.includes(type))
  if (!begun || now - Date.parse(begun.lastTransitionTime) > START_MS) return false
  const verdict = stages.find((stage) => stage.verdict.type !== 'Ready')?.verdict
  return verdict ? verdict.type === 'Waiting' && verdict.afterMs <= STEP_MS : made
}

/** lastTransitionTime moves only when the status does. */
function stamp(
  state: State,
  { previous, generation, now }: Pick<ConditionsInput, 'previous' | 'generation' | 'now'>,
): Condition {
  const before = previous.find(({ type }) => type === state.type)
  const message =
    state.message.length <= MESSAGE_LIMIT ? state.message : `${state.message.slice(0, MESSAGE_LIMIT - 1)}…`
  return {
    ...state,
    message,
    lastTransitionTime:
      before?.status === state.status
        ? before.lastTransitionTime
        : new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
    observedGeneration: generation,
  }
}
