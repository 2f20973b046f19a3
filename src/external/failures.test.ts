import { describe, expect, it } from 'vitest'
import type { ConnectorView } from '../clients/connect.ts'
import { COMMON_FAILURES, failedTrace, failureOf } from './failures.ts'

describe('what a trace comes to', () => {
  it.each([
    [
      'org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback\nCaused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 1100217 bytes',
      'RecordTooLarge',
      'ByHand',
    ],
    [
      'org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback\nCaused by: org.apache.kafka.common.InvalidRecordException: Compacted topic cannot accept message without key in topic partition a-0.',
      'RecordRefused',
      'ByHand',
    ],
    [
      'org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized',
      'KafkaRefusesConnector',
      'ByHand',
    ],
    [
      'org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed',
      'KafkaRefusesConnector',
      'ByHand',
    ],
    ['org.apache.kafka.common.errors.UnknownTopicOrPartitionException: x', 'TopicMissing', 'ByItself'],
    ['org.apache.kafka.connect.errors.DataException: Invalid value', 'RecordNotConvertible', 'ByHand'],
    [
      'org.apache.kafka.connect.errors.ConnectException: Failed to start connector: a\nCaused by: org.apache.kafka.connect.errors.ConnectException: Failed to find any class that implements Connector and which name matches x, available connectors are: ',
      'PluginMissing',
      'ByHand',
    ],
    ['java.lang.OutOfMemoryError: Java heap space', 'WorkerOutOfMemory', 'ByHand'],
    [
      'org.apache.kafka.common.errors.TimeoutException: Topic a not present in metadata',
      'KafkaUnreachable',
      'ByItself',
    ],
    [
      'org.apache.kafka.common.errors.NotEnoughReplicasAfterAppendException: x',
      'KafkaUnreachable',
      'ByItself',
    ],
    ['x\nCaused by: java.net.SocketTimeoutException: Read timed out', 'ConnectionLost', 'ByItself'],
    ['java.lang.NullPointerException: what nobody foresaw', 'TaskFailed', 'ByItself'],
  ])('%s', (trace, reason, heals) => {
    expect(failureOf(trace, COMMON_FAILURES)).toMatchObject({ reason, heals })
  })
})

describe('the trace of what has failed', () => {
  const view = (
    state: 'RUNNING' | 'FAILED',
    tasks: NonNullable<ConnectorView['status']>['tasks'],
    trace?: string,
  ): Pick<ConnectorView, 'status'> => ({ status: { state, tasks, ...(trace ? { trace } : {}) } })

  it('is a task’s before the connector’s, and none where nothing has failed', () => {
    const task = { id: 0, worker: 'w' }
    expect(failedTrace(view('FAILED', [{ ...task, state: 'FAILED', trace: 'task' }], 'own'))).toBe('task')
    expect(failedTrace(view('FAILED', [], 'own'))).toBe('own')
    expect(failedTrace(view('FAILED', []))).toBe('no trace')
    expect(failedTrace(view('RUNNING', [{ ...task, state: 'RUNNING' }]))).toBeUndefined()
    expect(failedTrace({})).toBeUndefined()
  })
})
