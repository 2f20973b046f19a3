import type { ConnectorView } from '../clients/connect.ts'
import type { Health } from './contract.ts'
import { failedTrace, failureOf, type KnownFailure } from './failures.ts'

/** Whether the connector's work runs. */
export type ConnectorState = 'Running' | 'Paused' | 'Stopped'

const STATES = { Running: 'RUNNING', Paused: 'PAUSED', Stopped: 'STOPPED' } as const

/** Connect's word for it. */
export const targetState = (state: ConnectorState) => STATES[state]

/** Whether Connect calls it and all of its tasks RUNNING, which alone proves nothing. */
export const isRunning = ({ status }: ConnectorView): boolean =>
  status?.state === 'RUNNING' &&
  status.tasks.length > 0 &&
  status.tasks.every((task) => task.state === 'RUNNING')

/**
 * What Connect's word comes to; `streaming` is what the other side says while Connect says RUNNING, and `known` are the
 * failures that a trace may tell of. Pure.
 */
export function healthOf(
  view: ConnectorView,
  wanted: ConnectorState,
  streaming: Health,
  known: readonly KnownFailure[],
): Health {
  const { status } = view
  if (!status)
    return {
      type: 'NotReady',
      reason: 'Starting',
      message: 'the connector has been made and has no status yet',
      afterMs: 1_000,
    }
  if (wanted !== 'Running' && status.state !== targetState(wanted))
    return {
      type: 'NotReady',
      reason: 'Switching',
      message: `the connector is still ${status.state}, on its way to ${targetState(wanted)}`,
      afterMs: 1_000,
    }
  if (wanted !== 'Running')
    return { type: 'Ready', reason: wanted, message: `the connector is ${status.state} as asked` }
  const trace = failedTrace(view)
  if (trace !== undefined) {
    const worker = status.tasks.find(({ state }) => state === 'FAILED')?.worker ?? status.worker
    return failureHealth(`the connector failed${worker ? ` on worker ${worker}` : ''}`, trace, known)
  }
  return isRunning(view) ? streaming : unsettled(status)
}

/** Reason of a login that is refused: it is tried on, and Stalled only after a while. */
const REFUSED_LOGIN = 'AuthenticationFailed'

function failureHealth(failed: string, trace: string, known: readonly KnownFailure[]): Health {
  const { reason, heals, remedy } = failureOf(trace, known)
  const what = `${failed}: ${causeOf(trace)}`
  if (heals === 'ByItself')
    return { type: 'NotReady', reason, message: `${what}. It is started again: ${remedy}` }
  const message = `${what}. To repair it: ${remedy}. Then it is started again within 10 minutes, or at once with a new value of annotation penstock.dev/reconcile-requested-at`
  return reason === REFUSED_LOGIN
    ? { type: 'NotReady', reason, message }
    : { type: 'Broken', reason, message }
}

/** Neither failed nor running: on its way, or waiting for a worker. */
function unsettled({ state, tasks }: NonNullable<ConnectorView['status']>): Health {
  const states = tasks.map((task) => task.state)
  if (state === 'UNASSIGNED' || states.includes('UNASSIGNED'))
    return {
      type: 'NotReady',
      reason: 'Unassigned',
      message:
        'Kafka Connect has no worker for it yet: when a worker has gone, its work is kept for its return for scheduled.rebalance.max.delay.ms (5 minutes by default) and then given to others. Until then nothing has to be restarted; if it lasts longer, see that workers run',
      afterMs: 2_000,
    }
  if (state === 'RUNNING' && states.length === 0)
    return {
      type: 'NotReady',
      reason: 'NoTasks',
      message:
        'Kafka Connect says RUNNING and has made no task: that takes seconds, or as long as the connector waits for something, such as its slot. If it lasts, see the log of its worker',
      afterMs: 2_000,
    }
  return {
    type: 'NotReady',
    reason: 'TasksNotRunning',
    message: `the connector is ${state}, its tasks: ${states.join(', ') || 'none yet'}`,
    afterMs: 2_000,
  }
}

/** First line of a trace and its last cause: Debezium says it in the first, sinks in the last. */
export function causeOf(trace: string): string {
  const lines = trace.split('\n')
  const first = lines[0]?.trim() ?? ''
  const last = lines
    .filter((line) => line.startsWith('Caused by:'))
    .at(-1)
    ?.trim()
  return (last && !first.includes(last.slice(11)) ? `${first} ${last}` : first).slice(0, 600)
}
