import { escaped } from '../../api/source/tables.ts'
import type { ExternalResource } from '../../external/contract.ts'
import { kafkaVerdict } from '../../external/topics.ts'
import { begun, type CopyContext, endsOf, notificationEnd, readOn, recordsOf, write } from './context.ts'
import { type Notifications, readNotifications, SILENCE } from './notifications.ts'
import { type CopyProgress, progressOf } from './progress.ts'
import type { TableRecord } from './record.ts'
import { sentencesOf } from './sentences.ts'
import { type CopiesSeen, nextSteps, type Step } from './steps.ts'
import { sweep } from './sweep.ts'

/** What copying works with besides writing it down. */
export interface CopyingContext extends CopyContext {
  /** Whether the connector answers signals: it runs, and its first snapshot is over. */
  readonly streaming: (signal: AbortSignal) => Promise<boolean>
  /** Throws a verdict unless changes of every table are published at this moment. */
  readonly refuseUnpublished: (signal: AbortSignal) => Promise<void>
  /** Of these keys of a table's topic, those without a row now. */
  readonly absent: (table: string, keys: readonly string[], signal: AbortSignal) => Promise<readonly string[]>
  /** Runs a sweep that may outlive the reconcile, and nothing else of the connector beside it. */
  readonly detached: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>
  readonly whilePaused: (work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) => Promise<void>
}

/** The copies of a Source's tables as they stand. */
export interface CopiesObservation {
  readonly seen: CopiesSeen
  readonly progress: CopyProgress
  /** Offset after the last notification that was read. */
  readonly readTo: bigint
}

const RECENT_MS = 1_000
const RETRY_MS = 30_000
/** How many chunks are heard of again and again before it is written down how far notifications were read. */
const HEARD_AGAIN = 500

/**
 * The rows that tables had before their changes were captured: of tables that were added, that are no longer what was
 * copied, and what the connector's first snapshot leaves of former lives.
 */
export function tableCopies(
  context: CopyingContext,
  tables: readonly string[],
): ExternalResource<CopiesObservation> {
  return {
    id: { kind: 'TableCopies', name: context.topics.copies },
    observe: (signal, after) => observe(context, tables, signal, after !== undefined),
    diff: (observed) => [
      ...sentencesOf(nextSteps(observed.seen)).map((what) => ({ what })),
      ...(checkpoints(observed).length > 0 ? [{ what: 'progress noted' }] : []),
    ],
    health: ({ progress: { done, total, pending } }) => {
      if (pending.length === 0) return { type: 'Ready', message: `${total} tables are copied` }
      return { type: 'Ready', reason: 'Snapshotting', message: `${done} of ${total} tables are copied` }
    },
    apply: async (observed, _changes, signal) => {
      if (observed) await takeSteps(context, observed, signal)
    },
    remove: async () => undefined,
  }
}

async function observe(
  context: CopyingContext,
  tables: readonly string[],
  signal: AbortSignal,
  anew: boolean,
): Promise<CopiesObservation> {
  const shared = await recordsOf(context, signal, anew ? 0 : Number.POSITIVE_INFINITY)
  const copying = [...shared.values()].some(({ state }) => state === 'Copying')
  const records = copying ? await recordsOf(context, signal, RECENT_MS) : shared
  const captured = (await context.captured(signal)) ?? []
  const own = tables.filter((table) => captured.includes(table))
  const pending = own.flatMap((table) => records.get(table) ?? [])
  const { notifications, readTo } = await readNotified(context, pending, signal)
  const [streaming, relations] = [await context.streaming(signal), await context.relations(signal)]
  return {
    seen: { tables: own, records, relations, notifications, streaming, now: context.now() },
    progress: progressOf(tables, records, notifications),
    readTo,
  }
}

/** Notifications from where the earliest copy needs them. */
async function readNotified(
  { log, topics }: CopyContext,
  records: readonly TableRecord[],
  signal: AbortSignal,
): Promise<{ readonly notifications: Notifications; readonly readTo: bigint }> {
  const needed = records
    .filter(({ state }) => state === 'Copying')
    .flatMap((record) => record.signal?.from ?? record.startsAfter ?? [])
    .map(BigInt)
  const [first] = needed.toSorted((a, b) => (a < b ? -1 : 1))
  if (first === undefined) return { notifications: SILENCE, readTo: 0n }
  const { records: said, position } = await readOn(log, topics.notifications, first, signal).catch(
    kafkaVerdict,
  )
  return { notifications: readNotifications(said), readTo: position }
}

/** Records of copies that many notifications told of: these need not be read again. */
function checkpoints({ seen, readTo }: CopiesObservation): readonly TableRecord[] {
  const { tables, records, notifications } = seen
  return tables.flatMap((table) => {
    const record = records.get(table)
    const answer = record?.signal && notifications.answers.get(record.signal.id)
    if (!record?.signal || !answer || answer.over || answer.scanned.size > 0) return []
    const chunks = record.signal.chunks + answer.chunks
    return answer.chunks < HEARD_AGAIN
      ? []
      : [{ ...record, signal: { ...record.signal, from: String(readTo), chunks } }]
  })
}

async function takeSteps(
  context: CopyingContext,
  observed: CopiesObservation,
  signal: AbortSignal,
): Promise<void> {
  const { records } = observed.seen
  const steps = nextSteps(observed.seen)
  await write(context, [...checkpoints(observed), ...steps.flatMap((step) => noted(context, step))], signal)
  const again = steps.flatMap((step) => (step.type === 'Begin' ? [step] : []))
  const intents = again.map(({ table, why }) => ({ table, why, by: context.added, startsAnew: false }))
  await write(context, await begun(context, intents, records, signal), signal)
  for (const step of steps) if (step.type === 'Signal') await ask(context, step, signal)
  for (const step of steps)
    if (step.type === 'Settle' && step.sweep !== 'Nothing') await settle(context, step, signal)
}

/** What a step comes to that is only written down. */
function noted({ life, now }: CopyContext, step: Step): readonly TableRecord[] {
  switch (step.type) {
    case 'Adopt': {
      const { table, relation } = step
      const why = 'it was captured before records began'
      return [
        {
          ...{ table, relation, life, why },
          state: 'Copied',
          by: 'Initial',
          copy: 0,
          begunAt: now(),
          ends: [],
        },
      ]
    }
    case 'Extend':
      return [{ ...step.record, relation: step.relation }]
    case 'Settle':
      return step.sweep === 'Nothing' ? [copied(step.record)] : []
    case 'Retry': {
      const { signal: _failed, ...record } = step.record
      return [{ ...record, copy: record.copy + 1, notBefore: now() + RETRY_MS }]
    }
    case 'Begin':
    case 'Signal':
      return []
  }
}

function copied(record: TableRecord): TableRecord {
  const { signal: _sent, notBefore: _before, startsAfter: _started, ...kept } = record
  return { ...kept, state: 'Copied', ends: [] }
}

/** A signal that was sent and not written down is sent again: it has the same id, and copying twice does no harm. */
async function ask(
  context: CopyingContext,
  { id, records }: Step & { type: 'Signal' },
  signal: AbortSignal,
): Promise<void> {
  const { log, topics, topicPrefix, now } = context
  await context.refuseUnpublished(signal)
  const from = String(await notificationEnd(context, signal))
  // Debezium reads names as regular expressions.
  const collections = records.map(({ table }) => escaped(table))
  const value = {
    id,
    type: 'execute-snapshot',
    data: { type: 'incremental', 'data-collections': collections },
  }
  const message = { topic: topics.signals, partition: 0, key: Buffer.from(topicPrefix) }
  await log.append([{ ...message, value: Buffer.from(JSON.stringify(value)) }], signal).catch(kafkaVerdict)
  const sent = { id, at: now(), from, chunks: 0 }
  await write(
    context,
    records.map((record) => ({ ...record, signal: sent })),
    signal,
  )
}

/** Sweeps first: a table counts as copied when its topic says of no row that is not there. */
async function settle(
  context: CopyingContext,
  { record, sweep: sweeping }: Step & { type: 'Settle' },
  signal: AbortSignal,
): Promise<void> {
  const { log, topics, absent, whilePaused } = context
  signal.throwIfAborted()
  await context.detached(async (running) => {
    const ends = sweeping === 'All' ? await endsOf(context, record.table, running) : record.ends
    await sweep(
      {
        ...{ log, whilePaused },
        topic: topics.of(record.table),
        ends: ends.map(BigInt),
        absent: (keys, asked) => absent(record.table, keys, asked),
      },
      running,
    )
    await write(context, [copied(record)], running)
  })
}
