import { Producer } from '@platformatic/kafka'

import { backoffMs, sleep } from '../../lib/time.ts'
import { clientOptions } from './connection.ts'
import { kafkaError } from './errors.ts'
import type { KafkaConnection, KafkaProducer, OutgoingRecord } from './types.ts'

/** Tries of one request before `send` gives up; with the pauses between them some ten seconds, longer than a broker's restart. */
const TRIES = 6
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 4_000
/** Limits of one request: the client makes one batch a partition of it, and a broker takes 1 MB a batch by default. */
const REQUEST_RECORDS = 2_000
const PARTITION_BYTES = 700_000
/** What a record takes beside its key, value and headers, at most. */
const RECORD_OVERHEAD = 64

/**
 * A producer that writes in order with acks=all and idempotence. `send` resolves when everything is acknowledged;
 * it throws a KafkaError when the broker refuses, or after {@link TRIES} tries: part of the records may then be there,
 * and the caller sends them all again. Sends are made one after the other.
 */
export function createKafkaProducer(connection: KafkaConnection): KafkaProducer {
  const producer = new Producer<Buffer, Buffer, string, string>({
    ...clientOptions(connection),
    serializers: {
      key: (key) => key,
      value: (value) => value,
      headerKey: (name) => (name === undefined ? undefined : Buffer.from(name)),
      headerValue: (value) => (value === undefined ? undefined : Buffer.from(value)),
    },
    idempotent: true,
    // Two is the least that the client takes for an idempotent producer: below, it retries for ever.
    retries: 2,
    retryDelay: (_client, _operation, attempt) =>
      backoffMs(attempt, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Math.random),
    requestTimeout: 10_000,
  })
  let last: Promise<unknown> = Promise.resolve()

  async function sendAll(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void> {
    for (const request of requestsOf(records)) await sendOne(request, signal)
  }

  async function sendOne(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
      const failure = await tryOnce(producer, records).then(
        () => undefined,
        (error: unknown) => kafkaError(`write to ${records[0]?.topic}`, error),
      )
      if (!failure) return
      const final = failure.kind === 'AuthenticationFailed' || FINAL.has(failure.apiId ?? '')
      if (final || attempt >= TRIES) throw failure
      producer.clearMetadata()
      await sleep(backoffMs(attempt, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, Math.random), signal)
    }
  }

  return {
    send(records, signal) {
      const turn = last.then(() => sendAll(records, signal))
      last = turn.catch(() => undefined)
      return turn
    },
    close: () => producer.close(true),
  }
}

/** Refusals that no repetition changes. */
const FINAL: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INVALID_TOPIC_EXCEPTION',
  'PARTITION_MISSING',
])

async function tryOnce(
  producer: Producer<Buffer, Buffer, string, string>,
  records: readonly OutgoingRecord[],
): Promise<void> {
  await checkPartitions(producer, records)
  await producer.send({
    messages: records.map(({ topic, partition, key, value, headers }) => ({
      topic,
      partition,
      ...(key ? { key } : {}),
      ...(value ? { value } : {}),
      ...(headers ? { headers: { ...headers } } : {}),
    })),
  })
}

/** The client would put a record for a partition that does not exist into another one, by modulo, without a word. */
async function checkPartitions(
  producer: Producer<Buffer, Buffer, string, string>,
  records: readonly OutgoingRecord[],
): Promise<void> {
  const highest = new Map<string, number>()
  for (const { topic, partition } of records) {
    highest.set(topic, Math.max(highest.get(topic) ?? 0, partition))
  }
  const { topics } = await producer.metadata({ topics: [...highest.keys()] })
  for (const [topic, partition] of highest) {
    const count = topics.get(topic)?.partitionsCount ?? 0
    if (partition < count) continue
    throw Object.assign(new Error(`${topic} has ${count} partitions, so none with number ${partition}`), {
      apiId: 'PARTITION_MISSING',
    })
  }
}

/** Cuts records into requests that stay below the limits; the order within each partition stays. */
export function* requestsOf(records: readonly OutgoingRecord[]): Generator<readonly OutgoingRecord[]> {
  let request: OutgoingRecord[] = []
  let bytes = new Map<string, number>()
  for (const record of records) {
    const place = `${record.topic}/${record.partition}`
    const size = sizeOf(record)
    const filled = bytes.get(place) ?? 0
    if (request.length >= REQUEST_RECORDS || (filled > 0 && filled + size > PARTITION_BYTES)) {
      yield request
      request = []
      bytes = new Map()
    }
    request.push(record)
    bytes.set(place, (bytes.get(place) ?? 0) + size)
  }
  if (request.length > 0) yield request
}

function sizeOf({ key, value, headers }: OutgoingRecord): number {
  const ofHeaders = Object.entries(headers ?? {}).reduce(
    (sum, [name, text]) => sum + name.length + 2 * text.length,
    0,
  )
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders + RECORD_OVERHEAD
}
