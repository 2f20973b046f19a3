import { pollPassing } from '../clients/kafka/passing.ts'
import type { KafkaRecord, PartitionReader } from '../clients/kafka/types.ts'
import type { FlowConfig } from '../contracts/processor.ts'
import { COMMIT_TIME_HEADER, POSITION_HEADER, type Row } from '../contracts/row.ts'
import { parseJson } from '../lib/json.ts'
import { readPositions } from './position.ts'
import type { Semantics } from './semantics.ts'
import type { Program } from './steps.ts'
import { type LatestState, restoreLatest, streamSemantics } from './stream.ts'
import { keyedTable, noContributions, plainTable, restoreContribution } from './table.ts'

/** A restore that hears nothing for this long gives up, and is tried again with the flow. */
const SILENCE_MS = 30_000

/** A flow's state and what it does with changes. */
export interface Restorable {
  readonly semantics: Semantics
  /** The topic to read before the first change, and which of its partitions; absent: nothing is kept. */
  readonly from?: { readonly topic: string; readonly partitions: readonly number[] }
  /** Takes one record of that topic; throws for one that is not ours. */
  readonly take: (record: KafkaRecord) => void
}

/**
 * The state that a flow keeps. A Stream's `latest` is its own output, in all partitions: a key may come from any input
 * partition. A Table's contributions lie in the state topic, in the partition of the input record.
 */
export function flowState(
  flow: FlowConfig,
  programs: ReadonlyMap<string, Program>,
  owned: readonly number[],
): Restorable {
  const rekeys = [...programs.values()].some((program) => program.rekeys)
  const reduces = flow.steps.some((step) => 'reduce' in step)
  if (flow.as === 'Stream') {
    const state: LatestState = new Map()
    const semantics = streamSemantics(flow, programs, state)
    if (!reduces) return { semantics, take: nothing }
    const topic = flow.state.type === 'Topic' ? flow.state.topic : flow.output.topic
    const partitions = Array.from({ length: flow.output.partitions }, (_, n) => n)
    return { semantics, from: { topic, partitions }, take: (record) => takeOutput(state, record) }
  }
  if (!rekeys && flow.state.type === 'None') return { semantics: plainTable(programs), take: nothing }
  const kept = noContributions()
  const topic = flow.state.type === 'Topic' ? flow.state.topic : ''
  return {
    semantics: keyedTable(programs, kept),
    from: { topic, partitions: owned },
    take: ({ key, value }) => restoreContribution(kept, key?.toString() ?? '', value?.toString()),
  }
}

const nothing = (): void => undefined

function takeOutput(state: LatestState, { key, value, headers, timestamp }: KafkaRecord): void {
  const positions = headers.get(POSITION_HEADER)
  if (!key || (value && !positions))
    throw new Error('the output record has no key or no positions: it is not ours')
  const row = value && (parseJson(value.toString()) as Row)
  const ts = Number(headers.get(COMMIT_TIME_HEADER)?.toString() ?? timestamp)
  restoreLatest(state, key.toString(), row, ts, positions ? readPositions(positions.toString()) : [])
}

/**
 * Reads partitions to their ends, told by the position of the fetch: markers and compaction leave holes, so the last
 * record may be far before it. Throws after half a minute without a word from the broker.
 */
export async function restore(
  reader: PartitionReader,
  { from, take }: Pick<Restorable, 'from' | 'take'>,
  onUnreadable: (record: KafkaRecord, partition: number, error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!from) return
  const missing = new Set(from.partitions)
  for (const partition of missing) reader.seek(from.topic, partition, 0n)
  let heard = Date.now()
  while (missing.size > 0) {
    const batches = await pollPassing(reader, signal)
    if (batches.length > 0) heard = Date.now()
    else if (Date.now() - heard > SILENCE_MS) {
      throw new Error(
        `the state in ${from.topic} cannot be read: partitions ${[...missing].join(', ')} stay silent`,
      )
    }
    for (const { partition, records, position, highWatermark } of batches) {
      for (const record of records) {
        try {
          take(record)
        } catch (error) {
          onUnreadable(record, partition, error)
        }
      }
      if (position < highWatermark) continue
      missing.delete(partition)
      reader.drop(from.topic, partition)
    }
    // One turn of the event loop a batch: other flows have heartbeats to send.
    await new Promise(setImmediate)
  }
}
