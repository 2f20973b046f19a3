import { Consumer } from '@platformatic/kafka'

import { backoffMs, sleep } from '../../lib/time.ts'
import { clientOptions } from './connection.ts'
import { kafkaError } from './errors.ts'
import { ASSIGNOR, assignTogether } from './group.ts'
import type { KafkaConnection } from './types.ts'

/** Offsets by topic and partition. */
export type GroupOffsets = ReadonlyMap<string, ReadonlyMap<number, bigint>>

/** What a member owns until the next rebalance. */
export interface Generation {
  /** Grows with each; a commit for an older one is refused. */
  readonly epoch: number
  readonly partitions: ReadonlyMap<string, readonly number[]>
}

/** A member of a consumer group. It only owns and commits; records are read by a PartitionReader. */
export interface GroupMember {
  /** What is owned now; undefined while the group rebalances, or when the broker has not heard of us for too long. */
  current(): Generation | undefined
  /** Waits for a generation later than `epoch`; throws the signal's reason. */
  next(epoch: number, signal: AbortSignal): Promise<Generation>
  /** Offsets committed so far for what this generation owns; partitions without one are left out. */
  committed(generation: Generation): Promise<GroupOffsets>
  /** Commits the next offsets to read. Throws when `generation` is no longer the current one. */
  commit(generation: Generation, offsets: GroupOffsets): Promise<void>
  /** Leaves the group, so that others take over at once. */
  close(): Promise<void>
}

/** Who joins which group, and what it does before it gives up what it owns. */
export interface GroupOptions {
  readonly group: string
  /** Static membership: a process that comes back with this id within the session gets back what it had. */
  readonly instanceId: string
  readonly topics: readonly string[]
  /**
   * Called before each rebalance: finish and commit what is under way. The broker waits {@link REBALANCE_MS} at most,
   * then gives the partitions to others.
   */
  readonly release: (generation: Generation) => Promise<void>
  /** Told of every failed try to join; trying goes on, with pauses up to ten seconds. */
  readonly onFailure: (error: Error) => void
}

/** Without a heartbeat for this long the broker takes a member for dead. */
const SESSION_MS = 30_000
const REBALANCE_MS = 45_000
const HEARTBEAT_MS = 2_000
const LOOK_AGAIN_MS = 1_000

/**
 * Joins a group (classic protocol) and stays in it: after any error it joins again with growing pauses, until
 * `close`. Own code decides about retries: the client's would commit for a generation that is over.
 */
export function createGroupMember(connection: KafkaConnection, options: GroupOptions): GroupMember {
  const closed = new AbortController()
  let generation: Generation | undefined
  let epoch = 0
  let joinedAt = 0
  let waiting: (() => void)[] = []

  const consumer = new Consumer({
    ...clientOptions(connection),
    groupId: options.group,
    groupInstanceId: options.instanceId,
    autocommit: false,
    retries: 0,
    sessionTimeout: SESSION_MS,
    rebalanceTimeout: REBALANCE_MS,
    heartbeatInterval: HEARTBEAT_MS,
    // JoinGroup is answered when the whole group has joined.
    requestTimeout: REBALANCE_MS + 10_000,
    protocols: [{ name: ASSIGNOR, version: 0 }],
    partitionAssigner: assignTogether,
    // The client awaits this before every JoinGroup: the only place where work can be finished before it is given up.
    protocolsMetadata: async () => {
      const ending = generation
      generation = undefined
      if (ending) await options.release(ending).catch(report)
      return Buffer.from(options.instanceId)
    },
  })
  const report = (error: unknown): void =>
    options.onFailure(kafkaError(`stay in group ${options.group}`, error))
  for (const topic of options.topics) consumer.topics.track(topic)

  consumer.on('consumer:group:join', ({ assignments }) => {
    epoch += 1
    joinedAt = Date.now()
    generation = {
      epoch,
      partitions: new Map((assignments ?? []).map(({ topic, partitions }) => [topic, partitions])),
    }
    for (const wake of waiting.splice(0)) wake()
  })

  /** Joins until it has worked; the client then beats by itself and joins again when the group asks for it. */
  async function join(): Promise<void> {
    for (let attempt = 0; !closed.signal.aborted; attempt += 1) {
      const failure = await consumer.joinGroup().then(
        () => undefined,
        (error: unknown) => error,
      )
      if (failure === undefined || closed.signal.aborted) return
      report(failure)
      await sleep(backoffMs(attempt, 250, 10_000, Math.random), closed.signal)
    }
  }

  let joining = join()
  // The client gives up after one failed rejoin, and says so here.
  consumer.on('error', (error: unknown) => {
    report(error)
    generation = undefined
    joining = joining.then(join)
  })

  const current = (): Generation | undefined => {
    const heard = Math.max(joinedAt, consumer.lastHeartbeat?.getTime() ?? 0)
    return Date.now() - heard < SESSION_MS ? generation : undefined
  }

  async function next(after: number, signal: AbortSignal): Promise<Generation> {
    for (;;) {
      signal.throwIfAborted()
      const found = current()
      if (found && found.epoch > after) return found
      // Also looked at without a call: heartbeats may come through again where nobody has joined anew.
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      await Promise.race([promise, sleep(LOOK_AGAIN_MS, signal)])
      waiting = waiting.filter((wake) => wake !== resolve)
    }
  }

  return {
    current,
    next,
    committed: (wanted) => committedOffsets(consumer, options.group, wanted),
    async commit(wanted, offsets) {
      // `release` commits for the generation that is ending: the broker takes it until all have joined again.
      if (wanted.epoch !== epoch) {
        throw new Error(`generation ${wanted.epoch} of group ${options.group} is over, nothing was committed`)
      }
      const list = [...offsets].flatMap(([topic, partitions]) =>
        [...partitions].map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: -1 })),
      )
      if (list.length === 0) return
      await consumer
        .commit({ offsets: list })
        .catch((error: unknown) => Promise.reject(kafkaError(`commit in group ${options.group}`, error)))
    },
    async close() {
      closed.abort()
      generation = undefined
      await consumer.close(true)
    },
  }
}

async function committedOffsets(
  consumer: Consumer,
  group: string,
  generation: Generation,
): Promise<GroupOffsets> {
  const topics = [...generation.partitions]
    .filter(([, partitions]) => partitions.length > 0)
    .map(([topic, partitions]) => ({ topic, partitions: [...partitions] }))
  if (topics.length === 0) return new Map()
  const found = await consumer
    .listCommittedOffsets({ topics })
    .catch((error: unknown) => Promise.reject(kafkaError(`read the offsets of group ${group}`, error)))
  return new Map(
    [...found].map(([topic, offsets]) => [
      topic,
      // The answer is indexed by partition, with holes; −1 is "none".
      new Map(
        offsets.map((offset, partition) => [partition, offset] as const).filter(([, offset]) => offset >= 0n),
      ),
    ]),
  )
}
