import { isOffsetOutOfRange } from '../../clients/kafka/reader.ts'
import type { KafkaAdmin, PartitionReader, TopicDescription } from '../../clients/kafka/types.ts'
import type { Logger } from '../../lib/log.ts'
import { backoffMs, sleep } from '../../lib/time.ts'
import { messageOf } from '../../lib/verdict.ts'
import type { GatewayLimits } from '../limits.ts'
import { epochOf } from './epoch.ts'
import { floorsOf, offlineWindowMs } from './floors.ts'
import type { ViewWriter } from './view.ts'

/** What reading a view takes. */
export interface FollowDeps {
  readonly admin: KafkaAdmin
  /** One for each view: a view that cannot be read holds up no other. */
  readonly createReader: () => PartitionReader
  readonly limits: Pick<GatewayLimits, 'maxOfflineMs' | 'ringEvents'>
  readonly log: Logger
  readonly now: () => number
  readonly random: () => number
}

/** How often topics, floors and ends are asked for. */
const LOOK_MS = 10_000
/** Longest wait between two tries to read. */
const MAX_BACKOFF_MS = 10_000
/** A turn of the event loop that applies batches may last so long. */
const TURN_MS = 15

/** Reads a view for as long as the signal lets it; failures are tried again with backoff, and what was read stays. */
export async function followView(writer: ViewWriter, deps: FollowDeps, signal: AbortSignal): Promise<void> {
  const { name } = writer.view.config
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const before = writer.view.content?.progress
    try {
      await follow(writer, deps, signal)
      attempt = -1
    } catch (error) {
      if (signal.aborted) return
      if (writer.view.content?.progress !== before) attempt = 0
      writer.fail(messageOf(error))
      deps.log.warn({ view: name, error: messageOf(error) }, 'a view cannot be read and is tried again')
      await sleep(backoffMs(attempt, 250, MAX_BACKOFF_MS, deps.random), signal)
    }
  }
}

/** Reads until something fails, or until the topic is another one (then it returns). */
async function follow(writer: ViewWriter, deps: FollowDeps, signal: AbortSignal): Promise<void> {
  const { config } = writer.view
  const topic = await findTopic(deps.admin, config.input.topic, signal)
  const epoch = epochOf(topic, config)
  if (writer.view.content?.epoch !== epoch) await begin(writer, topic, epoch, deps, signal)
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const reader = deps.createReader()
  try {
    for (const [partition, { position }] of (writer.view.content?.progress ?? []).entries()) {
      reader.seek(topic.name, partition, BigInt(position))
    }
    const looking = look(writer, topic, epoch, deps, either)
    const reading = read(writer, reader, deps, either)
    await Promise.race([looking, reading])
    ended.abort()
    await Promise.allSettled([looking, reading])
  } finally {
    ended.abort()
    await reader.close().catch(() => undefined)
  }
}

async function findTopic(admin: KafkaAdmin, name: string, signal: AbortSignal): Promise<TopicDescription> {
  const topic = (await admin.describeTopics([name], signal)).get(name)
  if (!topic) throw new Error(`topic ${name} does not exist (yet)`)
  return topic
}

/** A view of mode All starts near the end: a ring keeps no more. */
async function begin(
  writer: ViewWriter,
  topic: TopicDescription,
  epoch: string,
  { admin, limits }: FollowDeps,
  signal: AbortSignal,
): Promise<void> {
  const partitions = partitionsOf(topic)
  const earliest = await admin.offsets(topic.name, partitions, 'earliest', signal)
  const latest =
    writer.view.config.mode === 'All'
      ? await admin.offsets(topic.name, partitions, 'latest', signal)
      : earliest
  const back = writer.view.config.mode === 'All' ? Math.floor(limits.ringEvents / partitions.length) : 0
  const starts = partitions.map((partition) =>
    Math.max(Number(earliest.get(partition) ?? 0n), Number(latest.get(partition) ?? 0n) - back),
  )
  writer.begin(epoch, starts)
}

/** Polls and applies, in turns that leave room for clients. */
async function read(
  writer: ViewWriter,
  reader: PartitionReader,
  deps: FollowDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const batches = await reader.poll(signal).catch((error: unknown) => {
      if (!isOffsetOutOfRange(error)) throw error
      skipLost(writer, reader, error, deps.log)
      return []
    })
    writer.fail(undefined)
    let turn = performance.now()
    for (const batch of batches) {
      const { last } = writer.apply(batch, deps.now())
      if (last !== undefined)
        deps.log.warn({ view: writer.view.config.name, error: last }, 'a record was skipped')
      if (performance.now() - turn < TURN_MS) continue
      await new Promise(setImmediate)
      turn = performance.now()
    }
  }
}

/** Retention overtook us: what it took is deleted. A position beyond the end means another log: all begins anew. */
function skipLost(
  writer: ViewWriter,
  reader: PartitionReader,
  {
    topic,
    partition,
    offset,
    logStart,
  }: { topic: string; partition: number; offset: bigint; logStart: bigint },
  log: Logger,
): void {
  if (logStart <= offset) {
    const starts = writer.view.content?.progress.map(({ logStart: start }) => start) ?? []
    log.warn({ topic, partition }, 'the log is shorter than it was: the view is read anew')
    writer.begin(writer.view.content?.epoch ?? '', starts)
    for (const [each, start] of starts.entries()) reader.seek(topic, each, BigInt(start))
    return
  }
  log.warn(
    { topic, partition, offset: Number(offset), logStart: Number(logStart) },
    'records were removed unread',
  )
  writer.learn({ logStarts: new Map([[partition, Number(logStart)]]) })
  reader.seek(topic, partition, logStart)
}

/** Asks for what batches do not tell; returns when the topic was made anew or has more partitions. */
async function look(
  writer: ViewWriter,
  topic: TopicDescription,
  epoch: string,
  { admin, limits, now, log }: FollowDeps,
  signal: AbortSignal,
): Promise<void> {
  const partitions = partitionsOf(topic)
  while (!signal.aborted) {
    try {
      const settings = await admin.topicSettings([topic.name], signal)
      const window = offlineWindowMs(
        limits.maxOfflineMs,
        settings.get(topic.name)?.get('delete.retention.ms'),
      )
      const floors = await floorsOf(admin, topic.name, partitions, now() - window, signal)
      const logStarts = numbers(await admin.offsets(topic.name, partitions, 'earliest', signal))
      const ends = numbers(await admin.offsets(topic.name, partitions, 'latest', signal))
      writer.learn({ floors, logStarts, ends })
      await sleep(LOOK_MS, signal)
      if (signal.aborted) return
      const found = (await admin.describeTopics([topic.name], signal)).get(topic.name)
      if (found && epochOf(found, writer.view.config) !== epoch) return
    } catch (error) {
      if (signal.aborted) return
      log.warn({ topic: topic.name, error: messageOf(error) }, 'offsets could not be asked for')
      await sleep(LOOK_MS, signal)
    }
  }
}

const partitionsOf = (topic: TopicDescription): readonly number[] =>
  Array.from({ length: topic.partitions }, (_, partition) => partition)

const numbers = (offsets: ReadonlyMap<number, bigint>): ReadonlyMap<number, number> =>
  new Map([...offsets].map(([partition, offset]) => [partition, Number(offset)]))
