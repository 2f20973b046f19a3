import type { KafkaAdmin, KafkaLog, KafkaRecord } from '../../clients/kafka/types.ts'
import type { Poll, SharedPolls } from '../../external/polls.ts'
import { kafkaVerdict } from '../../external/topics.ts'
import { outgoing, readRecords, type TableRecord, type TableRecords } from './record.ts'
import type { Relation } from './relation.ts'

/** What the copies of a Source's tables work with. */
export interface CopyContext {
  readonly admin: KafkaAdmin
  readonly log: KafkaLog
  /** Names this Kafka among polls. */
  readonly kafka: string
  readonly polls: SharedPolls
  readonly user: string
  readonly now: () => number
  /** uid of the Source. */
  readonly life: string
  readonly topicPrefix: string
  readonly topics: CopyTopics
  /** How the rows of a table that is added come; Initial: not at all, for there is no other snapshot than the first. */
  readonly added: TableRecord['by']
  readonly relations: (signal: AbortSignal) => Promise<ReadonlyMap<string, Relation>>
  /** Tables that the connector is configured for; undefined where there is none. */
  readonly captured: (signal: AbortSignal) => Promise<readonly string[] | undefined>
}

/** Topics by which tables are copied. */
export interface CopyTopics {
  /** What of each table has been copied: our own memory, compacted. */
  readonly copies: string
  /** Signals to the connector. */
  readonly signals: string
  /** What the connector says of them. */
  readonly notifications: string
  /** Topic of a table. */
  readonly of: (table: string) => string
  /** Tables whose topics keep the latest of each key: only these are swept. */
  readonly compacted: ReadonlySet<string>
}

const RECORDS_EVERY_MS = 300_000

/** What the topic of copies says; asked for anew when older than `maxAgeMs`. */
export function recordsOf(
  { polls, log, kafka, user, topics }: CopyContext,
  signal: AbortSignal,
  maxAgeMs: number,
): Promise<TableRecords> {
  const poll: Poll<TableRecords> = {
    key: `copies ${kafka}`,
    name: topics.copies,
    everyMs: RECORDS_EVERY_MS,
    ask: async (asked, topic) => {
      const { records } = await readOn(log, topic, 0n, asked)
      return readRecords(records)
    },
    fingerprint: (records) => JSON.stringify([...records.values()]),
  }
  return polls.recent(poll, user, signal, maxAgeMs).catch(kafkaVerdict)
}

/** Where the notification topic ends now. */
export async function notificationEnd({ admin, topics }: CopyContext, signal: AbortSignal): Promise<bigint> {
  const ends = await admin.offsets(topics.notifications, [0], 'latest', signal).catch(kafkaVerdict)
  return ends.get(0) ?? 0n
}

/** A table that is about to be copied. */
export interface Intent {
  readonly table: string
  readonly why: string
  readonly by: TableRecord['by']
  /** Only a task that starts from now on knows the table. */
  readonly startsAnew: boolean
}

/** What must be written down of tables before their copies begin: what they are made of, and where their topics end. */
export async function begun(
  context: CopyContext,
  tables: readonly Intent[],
  known: TableRecords,
  signal: AbortSignal,
): Promise<readonly TableRecord[]> {
  if (tables.length === 0) return []
  const { life } = context
  const starts = await notificationEnd(context, signal)
  const relations = await context.relations(signal)
  const records: TableRecord[] = []
  for (const { table, why, by, startsAnew } of tables) {
    const relation = relations.get(table)
    if (!relation) continue
    const ends = await endsOf(context, table, signal)
    records.push({
      ...{ table, state: 'Copying', by, why, relation },
      copy: (known.get(table)?.copy ?? 0) + 1,
      ...{ life, begunAt: context.now() },
      ...(startsAnew ? { startsAfter: String(starts) } : {}),
      ends: ends.some((end) => end !== '0') ? ends : [],
    })
  }
  return records
}

/** Where each partition of a table's topic ends now; empty where the topic is not compacted. */
export async function endsOf(
  { admin, topics }: CopyContext,
  table: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (!topics.compacted.has(table)) return []
  const topic = topics.of(table)
  const described = await admin.describeTopics([topic], signal).catch(kafkaVerdict)
  const partitions = Array.from(
    { length: described.get(topic)?.partitions ?? 0 },
    (_, partition) => partition,
  )
  if (partitions.length === 0) return []
  const ends = await admin.offsets(topic, partitions, 'latest', signal).catch(kafkaVerdict)
  return partitions.map((partition) => String(ends.get(partition) ?? 0n))
}

/** Reads a topic of one partition on to its present end; `position` is where the next one begins. */
export async function readOn(
  log: KafkaLog,
  topic: string,
  from: bigint,
  signal: AbortSignal,
): Promise<{ readonly records: readonly KafkaRecord[]; readonly position: bigint }> {
  const records: KafkaRecord[] = []
  let position = from
  for await (const batch of log.scan(topic, new Map([[0, from]]), signal)) {
    records.push(...batch.records)
    position = batch.position
  }
  return { records, position }
}

/** Writes records down. */
export async function write(
  { log, topics }: CopyContext,
  records: readonly TableRecord[],
  signal: AbortSignal,
): Promise<void> {
  if (records.length === 0) return
  const out = records.map((record) => outgoing(topics.copies, record))
  await log.append(out, signal).catch(kafkaVerdict)
}
