import { partitionOf } from '../clients/kafka/partitioner.ts'
import type { KafkaProducer, OutgoingRecord } from '../clients/kafka/types.ts'
import type { FlowConfig } from '../contracts/processor.ts'
import { COMMIT_TIME_HEADER, POSITION_HEADER } from '../contracts/row.ts'
import { writePositions } from './position.ts'
import type { Output, StateRecord } from './semantics.ts'

/** A broker takes batches of 1 MB by default; this leaves room for headers and framing. */
const MAX_RECORD_BYTES = 900_000

/** Whether a row is too large for a Kafka record; a withdrawal never is. */
export function isTooLarge({ row }: Output): boolean {
  return row !== undefined && Buffer.byteLength(JSON.stringify(row)) > MAX_RECORD_BYTES
}

/**
 * An output as a Kafka record: the key string in UTF-8, the row as JSON (none: a tombstone), the positions and the
 * commit time in headers. A record without a key goes where its input record was, modulo the partitions.
 */
export function outputRecord(output: Output, to: FlowConfig['output']): OutgoingRecord {
  const { key, row, ts, positions } = output
  const partition =
    key === undefined ? positions[0].partition % to.partitions : partitionOf(key, to.partitions)
  return {
    topic: to.topic,
    partition,
    key: key === undefined ? undefined : Buffer.from(key),
    value: row && Buffer.from(JSON.stringify(row)),
    headers: { [POSITION_HEADER]: writePositions(positions), [COMMIT_TIME_HEADER]: String(ts) },
  }
}

/** A state record as a Kafka record. */
export function stateRecord({ partition, key, value }: StateRecord, topic: string): OutgoingRecord {
  return {
    topic,
    partition,
    key: Buffer.from(key),
    value: value === undefined ? undefined : Buffer.from(value),
  }
}

/** Writes outputs, then the state: a crash between the two makes the change again, instead of losing an output. */
export async function writeAll(
  producer: KafkaProducer,
  flow: FlowConfig,
  outputs: readonly Output[],
  state: readonly StateRecord[],
  signal: AbortSignal,
): Promise<void> {
  const records = outputs.map((output) => outputRecord(output, flow.output))
  if (records.length > 0) await producer.send(records, signal)
  if (flow.state.type !== 'Topic') return
  const { topic } = flow.state
  // A Stream's state is its output once more, so that the output may be cleaned up by time.
  const copies = flow.as === 'Stream' ? records.map((record) => ({ ...record, topic })) : []
  const kept = [...copies, ...state.map((record) => stateRecord(record, topic))]
  if (kept.length > 0) await producer.send(kept, signal)
}
