import { createKafkaAdmin } from '../clients/kafka/admin.ts'
import { createGroupMember, type Generation, type GroupMember } from '../clients/kafka/consumer.ts'
import { createKafkaProducer } from '../clients/kafka/producer.ts'
import { createPartitionReader } from '../clients/kafka/reader.ts'
import type { KafkaConnection } from '../clients/kafka/types.ts'
import type { FlowConfig } from '../contracts/processor.ts'
import type { Logger } from '../lib/log.ts'
import { backoffMs, sleep } from '../lib/time.ts'
import { messageOf } from '../lib/verdict.ts'
import type { FlowCounters } from './counters.ts'
import type { FlowPrograms } from './plan.ts'
import { type FlowTools, runSession } from './session.ts'
import type { FlowStatus } from './status.ts'

/** What a flow is given. */
export interface FlowDependencies {
  readonly flow: FlowConfig
  readonly programs: FlowPrograms
  readonly connection: KafkaConnection
  /** Name of this process in the group; stable over restarts. */
  readonly instanceId: string
  readonly status: FlowStatus
  readonly counters: FlowCounters
  readonly log: Logger
}

/** Pause before a flow that failed begins again; it doubles up to a few seconds: a broker is back within ten. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 5_000
/** A session that ran this long was sound: the next failure is a first one. */
const SOUND_MS = 60_000
/** What is under way at the end has this long to be written and committed. */
const DRAIN_MS = 6_000
/** Leaving the group may take this long. */
const CLOSE_MS = 2_000

/** A session under way. */
interface Running {
  readonly stop: AbortController
  readonly kill: AbortController
  readonly done: Promise<void>
}

/**
 * Runs a flow until the signal aborts: joins its group, runs a session a generation, and begins again with growing
 * pauses when Kafka fails. At the end it finishes what it has in hand, commits and leaves the group.
 */
export async function runFlow(dependencies: FlowDependencies, signal: AbortSignal): Promise<void> {
  const { flow, connection, instanceId, status, counters, log } = dependencies
  let running: Running | undefined
  const member = createGroupMember(connection, {
    group: flow.group,
    instanceId,
    topics: flow.inputs.map(({ topic }) => topic),
    release: () => drain(running),
    onFailure: ({ message }) => {
      log.warn({ flow: flow.name, error: message }, 'the group cannot be joined, trying again')
      if (!running) status.failed(message)
    },
  })
  signal.addEventListener('abort', () => void drain(running), { once: true })

  let attempt = 0
  while (!signal.aborted) {
    status.starting()
    const generation = await member.next(0, signal).catch(() => undefined)
    if (!generation) break
    const startedAt = Date.now()
    running = startSession(dependencies, member, generation)
    const failure = await running.done.then(
      () => undefined,
      (error: unknown) => error,
    )
    const stopped = running.stop.signal.aborted
    running = undefined
    if (failure === undefined || stopped) continue
    attempt = Date.now() - startedAt > SOUND_MS ? 0 : attempt + 1
    const message = messageOf(failure, 500)
    status.failed(message)
    counters.restarted()
    log.warn({ flow: flow.name, error: message }, 'the flow failed, beginning again')
    await sleep(backoffMs(attempt, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Math.random), signal)
  }
  const left = new AbortController()
  await Promise.race([member.close().catch(() => undefined), sleep(CLOSE_MS, left.signal)])
  left.abort()
}

/** Lets a session finish what it has in hand; what takes longer is given up, and made again by the next owner. */
async function drain(running: Running | undefined): Promise<void> {
  if (!running) return
  running.stop.abort()
  await Promise.race([running.done.catch(() => undefined), sleep(DRAIN_MS, running.kill.signal)])
  running.kill.abort(new Error('not finished in time'))
}

function startSession(dependencies: FlowDependencies, member: GroupMember, generation: Generation): Running {
  const [stop, kill] = [new AbortController(), new AbortController()]
  const killed = Promise.withResolvers<never>()
  kill.signal.addEventListener('abort', () => killed.reject(kill.signal.reason), { once: true })
  const session = withTools(dependencies, member, (tools) =>
    runSession(tools, generation, { stop: stop.signal, kill: kill.signal }),
  )
  const done = Promise.race([session, killed.promise])
  // Whoever awaits it hears of a failure; nobody may be there when it is killed late.
  done.catch(() => undefined)
  killed.promise.catch(() => undefined)
  return { stop, kill, done }
}

/** Clients of one session: a new one has nothing of what a failed one left behind. */
async function withTools(
  { flow, programs, connection, status, counters, log }: FlowDependencies,
  member: GroupMember,
  run: (tools: FlowTools) => Promise<void>,
): Promise<void> {
  const reader = createPartitionReader(connection)
  const producer = createKafkaProducer(connection)
  const admin = createKafkaAdmin(connection)
  const report = limitedReport(log, flow.name)
  try {
    await run({ flow, programs, member, reader, producer, admin, status, counters, report })
  } finally {
    await Promise.allSettled([reader.close(), producer.close(), admin.close()])
  }
}

/** Logs the first problem of each second, with how many were left out before it. */
function limitedReport(log: Logger, flow: string): FlowTools['report'] {
  let loggedAt = 0
  let silent = 0
  return (where, error, message) => {
    if (Date.now() - loggedAt < 1_000) {
      silent += 1
      return
    }
    log.warn(
      { flow, where, error, reason: message, leftOut: silent },
      'a record was not taken as it should have been',
    )
    loggedAt = Date.now()
    silent = 0
  }
}
