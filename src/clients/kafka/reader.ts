import { Consumer, FetchIsolationLevels, type FetchOptions } from '@platformatic/kafka'

import { sleep } from '../../lib/time.ts'
import { committedRecords } from './committed.ts'
import { clientOptions } from './connection.ts'
import { kafkaError } from './errors.ts'
import { createRoutes } from './routes.ts'
import type { KafkaConnection, PartitionBatch, PartitionReader } from './types.ts'

/** Thrown by `poll` when a partition no longer holds the asked offset; it is thrown again until `seek` or `drop`. */
export interface OffsetOutOfRange extends Error {
  readonly kind: 'OffsetOutOfRange'
  readonly topic: string
  readonly partition: number
  /** What was asked for. */
  readonly offset: bigint
  /** The first offset that the broker still has. */
  readonly logStart: bigint
}

/** Whether an error is an {@link OffsetOutOfRange}. */
export function isOffsetOutOfRange(thrown: unknown): thrown is OffsetOutOfRange {
  return thrown instanceof Error && 'kind' in thrown && thrown.kind === 'OffsetOutOfRange'
}

/** Longest wait of one fetch for a first record. */
const LONG_POLL_MS = 500
const MAX_BYTES = 8 * 1024 * 1024
const MAX_PARTITION_BYTES = 1024 * 1024
/** Pause after an answer that fresh metadata will heal. */
const HEAL_MS = 100
/** Kafka's error code OFFSET_OUT_OF_RANGE. */
const OUT_OF_RANGE = 1

/** Answers of a broker that fresh metadata or a little time heals; positions stay. */
const HEALING: ReadonlySet<string> = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INCONSISTENT_TOPIC_ID',
  'OFFSET_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FETCH_SESSION_TOPIC_ID_ERROR',
])

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>
type FetchRequestTopic = FetchOptions<Buffer, Buffer, Buffer, Buffer>['topics'][number]

/** A partition being read. */
interface Cursor {
  readonly topic: string
  readonly partition: number
  position: bigint
  /** Whether the caller has had a batch since the last seek. */
  announced: boolean
  /** As last heard; −1 before. */
  highWatermark: bigint
  logStart: bigint
}

/** What one fetch asked for, and what became of it. */
interface Arrival {
  readonly node: number
  readonly asked: ReadonlyMap<Cursor, bigint>
  readonly outcome: { readonly response: FetchResponse } | { readonly error: unknown }
}

/**
 * Reads partitions without a group, committed records only. One fetch a broker is under way at a time, at most 8 MB
 * each; a broker that moved, restarted or forgot is asked again from the same position. Needs Kafka 3.1 (topic ids).
 */
export function createPartitionReader(connection: KafkaConnection): PartitionReader {
  const consumer = new Consumer({
    ...clientOptions(connection),
    // Never joined: fetching needs no group, the client only wants a name.
    groupId: `${connection.clientId}-reader`,
    autocommit: false,
    retries: 0,
    requestTimeout: 15_000,
  })
  const routes = createRoutes(consumer, Date.now)
  const cursors = new Map<string, Cursor>()
  const underWay = new Map<number, Promise<Arrival>>()

  const cursorOf = (topic: string, partition: number): Cursor | undefined =>
    cursors.get(idOf(topic, partition))

  function launch(): void {
    for (const [node, wanted] of byLeader(cursors.values(), (topic) => routes.get(topic)?.leaders)) {
      if (underWay.has(node)) continue
      const asked = new Map(wanted.map((cursor) => [cursor, cursor.position]))
      const topics = requestOf(asked, (topic) => routes.get(topic)?.topicId)
      const fetched = consumer
        .fetch({
          node,
          topics,
          minBytes: 1,
          maxBytes: MAX_BYTES,
          maxWaitTime: LONG_POLL_MS,
          isolationLevel: FetchIsolationLevels.READ_COMMITTED,
        })
        .then(
          (response): Arrival => ({ node, asked, outcome: { response } }),
          (error: unknown): Arrival => ({ node, asked, outcome: { error } }),
        )
      underWay.set(node, fetched)
    }
  }

  /** Moves the cursors on; what was sought elsewhere in the meantime is thrown away. */
  function take({ asked, outcome }: Arrival & { outcome: { response: FetchResponse } }): PartitionBatch[] {
    const batches: PartitionBatch[] = []
    for (const { topicId, partitions } of outcome.response.responses) {
      const topic = routes.topicOf(topicId)
      for (const part of partitions) {
        const cursor = topic === undefined ? undefined : cursorOf(topic, part.partitionIndex)
        if (!cursor || !asked.has(cursor)) continue
        cursor.highWatermark = part.lastStableOffset >= 0n ? part.lastStableOffset : part.highWatermark
        cursor.logStart = part.logStartOffset
        if (asked.get(cursor) !== cursor.position) continue
        const { records, next } = committedRecords(part, cursor.position)
        if (records.length > 0 || next > cursor.position || !cursor.announced) {
          cursor.position = next
          batches.push(announce(cursor, records))
        }
      }
    }
    // Fetch sessions leave out what has not changed: a partition that was sought to its end would never be heard of.
    for (const [cursor, offset] of asked) {
      const current = cursorOf(cursor.topic, cursor.partition) === cursor && cursor.position === offset
      if (current && !cursor.announced && cursor.highWatermark >= 0n) batches.push(announce(cursor, []))
    }
    return batches
  }

  async function heal(arrival: Arrival, error: unknown, signal: AbortSignal): Promise<void> {
    const lost = outOfRange(error, arrival.asked, routes.topicOf)
    const current = lost && cursorOf(lost.cursor.topic, lost.cursor.partition)
    if (lost && current === lost.cursor && current.position === lost.offset) {
      throw await rangeError(consumer, lost.cursor, lost.offset)
    }
    const failure = kafkaError('fetch records', error)
    if (failure.kind === 'AuthenticationFailed') throw failure
    if (failure.apiId !== undefined && !lost && !HEALING.has(failure.apiId)) throw failure
    routes.forget([...arrival.asked.keys()].map(({ topic }) => topic))
    await sleep(HEAL_MS, signal)
  }

  return {
    seek(topic, partition, offset) {
      const known = cursorOf(topic, partition)
      cursors.set(idOf(topic, partition), {
        topic,
        partition,
        position: offset,
        announced: false,
        highWatermark: known?.highWatermark ?? -1n,
        logStart: known?.logStart ?? -1n,
      })
    },
    drop(topic, partition) {
      cursors.delete(idOf(topic, partition))
    },
    async poll(signal) {
      signal.throwIfAborted()
      await untilAborted(routes.refresh([...cursors.values()].map(({ topic }) => topic)), signal)
      launch()
      if (underWay.size === 0) {
        await sleep(LONG_POLL_MS, signal)
        return []
      }
      const arrival = await untilAborted(Promise.race(underWay.values()), signal)
      underWay.delete(arrival.node)
      const { outcome } = arrival
      if ('response' in outcome) return take({ ...arrival, outcome })
      await heal(arrival, outcome.error, signal)
      return []
    },
    close: () => consumer.close(true),
  }
}

const idOf = (topic: string, partition: number): string => `${topic}/${partition}`

function announce(cursor: Cursor, records: PartitionBatch['records']): PartitionBatch {
  cursor.announced = true
  const { topic, partition, position, highWatermark, logStart } = cursor
  return { topic, partition, records, position, highWatermark, logStart }
}

/** Cursors by the broker that leads them; those without a leader now are left out. */
function byLeader(
  cursors: Iterable<Cursor>,
  leadersOf: (topic: string) => readonly number[] | undefined,
): ReadonlyMap<number, readonly Cursor[]> {
  const nodes = new Map<number, Cursor[]>()
  for (const cursor of cursors) {
    const node = leadersOf(cursor.topic)?.[cursor.partition] ?? -1
    if (node < 0) continue
    const wanted = nodes.get(node) ?? []
    wanted.push(cursor)
    nodes.set(node, wanted)
  }
  return nodes
}

function requestOf(
  asked: ReadonlyMap<Cursor, bigint>,
  idOfTopic: (topic: string) => string | undefined,
): FetchRequestTopic[] {
  const topics = new Map<string, FetchRequestTopic>()
  for (const [{ topic, partition }, fetchOffset] of asked) {
    const topicId = idOfTopic(topic) ?? ''
    const request = topics.get(topicId) ?? { topicId, partitions: [] }
    request.partitions.push({
      partition,
      fetchOffset,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: MAX_PARTITION_BYTES,
    })
    topics.set(topicId, request)
  }
  return [...topics.values()]
}

/** The first partition whose position the broker refused, from the response that the client's error carries. */
function outOfRange(
  error: unknown,
  asked: ReadonlyMap<Cursor, bigint>,
  topicOf: (topicId: string) => string | undefined,
): { readonly cursor: Cursor; readonly offset: bigint } | undefined {
  const response =
    error instanceof Error && 'response' in error ? (error.response as FetchResponse) : undefined
  for (const { topicId, partitions } of response?.responses ?? []) {
    for (const { partitionIndex, errorCode } of partitions) {
      if (errorCode !== OUT_OF_RANGE) continue
      for (const [cursor, offset] of asked) {
        if (cursor.topic === topicOf(topicId) && cursor.partition === partitionIndex)
          return { cursor, offset }
      }
    }
  }
  return undefined
}

async function rangeError(
  consumer: Consumer,
  { topic, partition }: Cursor,
  offset: bigint,
): Promise<OffsetOutOfRange> {
  const starts = await consumer
    .listOffsets({ topics: [topic], partitions: { [topic]: [partition] }, timestamp: -2n })
    .catch((error: unknown) => Promise.reject(kafkaError(`find the start of ${topic}-${partition}`, error)))
  const logStart = starts.get(topic)?.[partition] ?? -1n
  const text = `${topic}-${partition} does not hold offset ${offset}: its log starts at ${logStart}`
  return Object.assign(new Error(text), {
    kind: 'OffsetOutOfRange' as const,
    topic,
    partition,
    offset,
    logStart,
  })
}

/** The promise's outcome, or a rejection with the signal's reason as soon as it aborts. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
