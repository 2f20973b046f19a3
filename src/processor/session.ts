import type { Generation, GroupMember, GroupOffsets } from '../clients/kafka/consumer.ts'
import { isOffsetOutOfRange } from '../clients/kafka/reader.ts'
import type {
  KafkaAdmin,
  KafkaProducer,
  KafkaRecord,
  PartitionBatch,
  PartitionReader,
} from '../clients/kafka/types.ts'
import type { FlowConfig } from '../contracts/processor.ts'
import type { TopicInput } from '../contracts/workload.ts'
import { type Decoded, decoderOf, type RawRecord } from '../events/decode.ts'
import type { FlowCounters } from './counters.ts'
import type { FlowPrograms } from './plan.ts'
import type { Output, Problem, StateRecord } from './semantics.ts'
import { flowState, restore } from './state.ts'
import type { FlowStatus } from './status.ts'
import { isTooLarge, writeAll } from './write.ts'

/** What a flow runs on. */
export interface FlowTools {
  readonly flow: FlowConfig
  readonly programs: FlowPrograms
  readonly member: GroupMember
  readonly reader: PartitionReader
  readonly producer: KafkaProducer
  readonly admin: KafkaAdmin
  readonly status: FlowStatus
  readonly counters: FlowCounters
  /** Logs what went wrong with one record, with its topic, partition and offset; it limits the rate itself. */
  readonly report: (where: string, error: string, message: string) => void
}

/** Two signals: `stop` ends after the records in hand, `kill` ends now. */
export interface SessionSignals {
  readonly stop: AbortSignal
  readonly kill: AbortSignal
}

/** Longest work before the event loop has a turn. */
const SLICE_MS = 20
/** Outputs held before they are written. */
const FLUSH_OUTPUTS = 2_000
/** Between commits while records flow; what is repeated after a crash. */
const COMMIT_MS = 1_000

/** What was read and is not yet written or committed. */
interface Pending {
  readonly outputs: Output[]
  readonly state: StateRecord[]
  /** Next offset by topic and partition, of everything processed since the last commit. */
  readonly offsets: Map<string, Map<number, bigint>>
}

/**
 * Runs a flow for as long as its member owns `generation`: restores the state, then reads, applies, writes, and commits
 * what was acknowledged. Returns when `stop` aborts, after a last commit; throws when Kafka fails.
 */
export async function runSession(
  tools: FlowTools,
  generation: Generation,
  signals: SessionSignals,
): Promise<void> {
  const { flow, member, reader, status, producer, counters } = tools
  const owned = [...new Set([...generation.partitions.values()].flat())].sort((a, b) => a - b)
  const state = flowState(flow, tools.programs, owned)
  await restore(
    reader,
    state,
    (record, partition, error) => unreadableState(tools, record, partition, error),
    signals.stop,
  )
  const started = await startOffsets(tools, generation, signals.stop)
  status.owns()
  for (const [topic, offsets] of started)
    for (const [partition, offset] of offsets) reader.seek(topic, partition, offset)

  const pending: Pending = { outputs: [], state: [], offsets: new Map() }
  const take = recordTaker(tools, state.semantics, pending)
  let committedAt = Date.now()

  const flush = async (): Promise<void> => {
    const outputs = pending.outputs.splice(0)
    await writeAll(producer, flow, outputs, pending.state.splice(0), signals.kill)
    counters.wrote(outputs.length)
  }
  const commit = async (): Promise<void> => {
    committedAt = Date.now()
    const offsets = new Map(pending.offsets)
    pending.offsets.clear()
    await member.commit(generation, offsets)
  }

  while (!signals.stop.aborted && member.current()?.epoch === generation.epoch) {
    const batches = await pollOrMove(tools, signals.stop)
    status.running()
    for (const batch of batches) status.fetched(batch)
    for (const batch of batches) await takeBatch(batch, take, flush, pending, status)
    await flush()
    for (const { topic, partition, position, records } of batches) {
      status.passed(topic, partition, position, records.at(-1)?.timestamp)
    }
    if (pending.offsets.size > 0 && Date.now() - committedAt >= COMMIT_MS) await commit()
  }
  if (pending.offsets.size > 0) await commit()
}

/** Goes through a batch in slices; outputs are written whenever enough have gathered. */
async function takeBatch(
  { topic, partition, records, position }: PartitionBatch,
  take: (topic: string, partition: number, record: KafkaRecord) => void,
  flush: () => Promise<void>,
  pending: Pending,
  status: FlowStatus,
): Promise<void> {
  let sliceStart = performance.now()
  for (const [at, record] of records.entries()) {
    take(topic, partition, record)
    if (pending.outputs.length >= FLUSH_OUTPUTS) {
      await flush()
      status.passed(topic, partition, record.offset + 1n, records[at + 1]?.timestamp)
    }
    if (performance.now() - sliceStart < SLICE_MS) continue
    await new Promise(setImmediate)
    sliceStart = performance.now()
  }
  const offsets = pending.offsets.get(topic) ?? new Map<number, bigint>()
  pending.offsets.set(topic, offsets.set(partition, position))
}

/** One record through decode and semantics into what is pending; it never throws. */
function recordTaker(
  { flow, counters, status, report }: FlowTools,
  semantics: ReturnType<typeof flowState>['semantics'],
  pending: Pending,
): (topic: string, partition: number, record: KafkaRecord) => void {
  const inputs = new Map<string, { input: TopicInput; decode: (record: RawRecord) => Decoded }>(
    flow.inputs.map((input) => [input.topic, { input, decode: decoderOf(input) }]),
  )
  const fail = (where: string, { error, message }: Problem): void => {
    counters.problem(error)
    if (error === 'Unreadable') status.skipped()
    report(where, error, message)
  }
  return (topic, partition, record) => {
    const known = inputs.get(topic)
    if (!known) return
    counters.read(1)
    const where = `${topic}-${partition}@${record.offset}`
    const change = known.decode(record)
    if (change.type === 'Ignored') return
    if (change.type === 'Unreadable') return fail(where, { error: 'Unreadable', message: change.message })
    const position = { input: known.input.name, partition, offset: record.offset, index: 0 }
    const { outputs, state, problem } = semantics.apply({ position, change })
    if (problem) fail(where, problem)
    for (const output of outputs) {
      const large = isTooLarge(output)
      if (large) fail(where, { error: 'TooLarge', message: 'the output row is larger than 900 kB' })
      if (!large) pending.outputs.push(output)
      else if (flow.as === 'Table') pending.outputs.push({ ...output, row: undefined })
    }
    pending.state.push(...state)
  }
}

function unreadableState(
  { flow, counters, report }: FlowTools,
  { offset }: KafkaRecord,
  partition: number,
  error: unknown,
): void {
  counters.problem('State')
  report(`state of ${flow.name}, partition ${partition}, offset ${offset}`, 'State', String(error))
}

/** Where each owned partition goes on: at what was committed, else where the flow is to start. */
async function startOffsets(
  { flow, member, admin }: FlowTools,
  generation: Generation,
  signal: AbortSignal,
): Promise<GroupOffsets> {
  const committed = await member.committed(generation)
  const start = flow.start === 'Earliest' ? 'earliest' : 'latest'
  const offsets = new Map<string, Map<number, bigint>>()
  const fresh = new Map<string, Map<number, bigint>>()
  for (const [topic, partitions] of generation.partitions) {
    const known = committed.get(topic)
    const missing = partitions.filter((partition) => !known?.has(partition))
    const found =
      missing.length > 0 ? await admin.offsets(topic, missing, start, signal) : new Map<number, bigint>()
    if (missing.length > 0) fresh.set(topic, new Map(found))
    offsets.set(topic, new Map(partitions.map((n) => [n, known?.get(n) ?? found.get(n) ?? 0n])))
  }
  // A flow that starts at the end has started there: what comes while it is down is not skipped.
  await member.commit(generation, fresh)
  return offsets
}

/** A poll; records that are gone from the log are skipped, with a word about it. */
async function pollOrMove(
  { reader, status, report, flow }: FlowTools,
  stop: AbortSignal,
): Promise<readonly PartitionBatch[]> {
  try {
    return await reader.poll(stop)
  } catch (error) {
    if (stop.aborted) return []
    if (!isOffsetOutOfRange(error)) throw error
    const { topic, partition, offset, logStart } = error
    status.lost(`InputLost: ${error.message}; flow ${flow.name} went on from there`)
    report(`${topic}-${partition}@${offset}`, 'InputLost', `the log starts at ${logStart}`)
    reader.seek(topic, partition, logStart)
    return []
  }
}
