import type { KafkaLog, KafkaRecord, OutgoingRecord } from '../../clients/kafka/types.ts'
import { isObject, parseJson } from '../../lib/json.ts'

/** What a sweep of one table's topic works with. */
export interface SweepContext {
  readonly log: KafkaLog
  readonly topic: string
  /** Where each partition ended before the copy began. */
  readonly ends: readonly bigint[]
  /** Of these keys of the topic, those of which the table has no row at this moment. */
  readonly absent: (keys: readonly string[], signal: AbortSignal) => Promise<readonly string[]>
  /** Runs something while nothing that the database commits from then on can reach the topic. */
  readonly whilePaused: (work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) => Promise<void>
}

/** Keys held in memory at once; a topic with more is swept in parts. */
const KEYS_AT_ONCE = 500_000
const ASKED_AT_ONCE = 1_000

/**
 * Writes a tombstone for every key of the topic that the copy does not have and that has no row; gives their number.
 * Needs a copy that is over. A live row is never touched: see docs/decisions/0009.
 */
export async function sweep(context: SweepContext, signal: AbortSignal): Promise<number> {
  const older = context.ends.reduce((sum, end) => sum + end, 0n)
  const parts = Number(older / BigInt(KEYS_AT_ONCE)) + 1
  let swept = 0
  for (let part = 0; part < parts; part += 1) {
    swept += await sweepPart(context, (key) => partOf(key, parts) === part, signal)
  }
  return swept
}

async function sweepPart(
  context: SweepContext,
  isOfPart: (key: string) => boolean,
  signal: AbortSignal,
): Promise<number> {
  const { log, topic, ends } = context
  const unseen = new Map<string, number>()
  const start = new Map(ends.map((_, partition) => [partition, 0n]))
  const end = await follow(log, topic, start, signal, (partition, key, record) => {
    if (!isOfPart(key)) return
    const copied = record.offset >= (ends[partition] ?? 0n) && isRead(record)
    if (copied || !record.value) unseen.delete(key)
    else unseen.set(key, partition)
  })
  const suspects = await absentOf(context, [...unseen.keys()], signal)
  if (suspects.length === 0) return 0
  let swept = 0
  await context.whilePaused(async (paused) => {
    const gone = await absentOf(context, suspects, paused)
    // A commit may be in the topic before others can see it in the database.
    const late = new Set<string>()
    await follow(log, topic, end, paused, (_partition, key) => late.add(key))
    const tombstones = gone
      .filter((key) => !late.has(key))
      .map((key): OutgoingRecord => {
        return { topic, partition: unseen.get(key) ?? 0, key: Buffer.from(key), value: undefined }
      })
    if (tombstones.length > 0) await log.append(tombstones, paused)
    swept = tombstones.length
  }, signal)
  return swept
}

async function absentOf(
  { absent }: SweepContext,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const gone: string[] = []
  for (let at = 0; at < keys.length; at += ASKED_AT_ONCE)
    gone.push(...(await absent(keys.slice(at, at + ASKED_AT_ONCE), signal)))
  return gone
}

/** Reads on to the present end; gives where it ended. */
async function follow(
  log: KafkaLog,
  topic: string,
  from: ReadonlyMap<number, bigint>,
  signal: AbortSignal,
  each: (partition: number, key: string, record: KafkaRecord) => void,
): Promise<ReadonlyMap<number, bigint>> {
  const positions = new Map(from)
  for await (const { partition, records, position } of log.scan(topic, from, signal)) {
    positions.set(partition, position)
    for (const record of records) if (record.key) each(partition, record.key.toString(), record)
  }
  return positions
}

const READ = Buffer.from('"op":"r"')

/** Whether it says what a snapshot read. What was streamed meanwhile may be older than what the table is now. */
function isRead({ value }: KafkaRecord): boolean {
  if (!value?.includes(READ)) return false
  const envelope: unknown = parseJson(value.toString())
  return isObject(envelope) && envelope['op'] === 'r'
}

/** Any function that spreads keys evenly will do. */
function partOf(key: string, parts: number): number {
  let sum = 0
  for (let at = 0; at < key.length; at += 1) sum = (Math.imul(sum, 31) + key.charCodeAt(at)) >>> 0
  return sum % parts
}
