import type { ConnectorView } from '../clients/connect.ts'
import type { Health } from './contract.ts'

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

/** What Connect's word comes to; `streaming` is what the other side says while Connect says RUNNING. Pure. */
export function healthOf(view: ConnectorView, wanted: ConnectorState, streaming: Health): Health {
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
  const failed = status.tasks.find((task) => task.state === 'FAILED')
  const trace = failed?.trace ?? (status.state === 'FAILED' ? status.trace : undefined)
  if (failed || status.state === 'FAILED') {
    return {
      type: 'NotReady',
      reason: 'TaskFailed',
      message: `the connector failed: ${causeOf(trace ?? 'no trace')}`,
    }
  }
  if (!isRunning(view)) {
    const tasks = status.tasks.map((task) => task.state).join(', ') || 'none yet'
    return {
      type: 'NotReady',
      reason: 'TasksNotRunning',
      message: `the connector is ${status.state}, its tasks: ${tasks}`,
      afterMs: 2_000,
    }
  }
  return streaming
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
