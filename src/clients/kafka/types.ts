/** How to reach a Kafka; PEM texts and passwords are values here, never paths. */
export interface KafkaConnection {
  readonly bootstrapServers: readonly string[]
  readonly clientId: string
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    readonly username: string
    readonly password: string
  }
}

/** A record as it was read. `value` undefined is a tombstone. Buffers may pin the whole fetch: copy what you keep. */
export interface KafkaRecord {
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly headers: ReadonlyMap<string, Buffer>
}

/** What one fetch gave for one partition: committed records only, in order; possibly none. */
export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly KafkaRecord[]
  /** Where the next fetch starts: past transaction markers and compacted holes, so it reaches the end where offsets do not. */
  readonly position: bigint
  /** The end of the log for committed reads, when this was fetched. */
  readonly highWatermark: bigint
  readonly logStart: bigint
}

/** Reads partitions that it is given, without a group. Records of aborted transactions never show. */
export interface PartitionReader {
  /** Reads this partition from `offset` on; moves it when it is being read already. */
  seek(topic: string, partition: number, offset: bigint): void
  /** Stops reading this partition. */
  drop(topic: string, partition: number): void
  /** Waits up to half a second for records; empty when there are none. Throws when no broker can be reached. */
  poll(signal: AbortSignal): Promise<readonly PartitionBatch[]>
  close(): Promise<void>
}

/** A record to write; the partition is always ours to choose, see partitioner.ts. */
export interface OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | undefined
  /** Undefined writes a tombstone. */
  readonly value: Buffer | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** Writes with acks=all and idempotence; resolves when every record is acknowledged, else throws. */
export interface KafkaProducer {
  send(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Topics as logs: read from an offset to their present end, and appended to. Calls throw a KafkaError. */
export interface KafkaLog {
  /** Every committed record of these partitions from their offset to where each ended when it was first heard of. */
  scan(topic: string, from: ReadonlyMap<number, bigint>, signal: AbortSignal): AsyncIterable<PartitionBatch>
  /** As {@link KafkaProducer.send}. */
  append(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** What a topic is, as the broker says it. */
export interface TopicDescription {
  readonly name: string
  /** Changes when a topic is deleted and made again. */
  readonly id: string
  readonly partitions: number
  readonly replicationFactor: number
}

/** A topic to make. */
export interface NewTopic {
  readonly name: string
  readonly partitions: number
  /** −1: the broker's own default (KIP-464). */
  readonly replicationFactor: number
  readonly config: Readonly<Record<string, string>>
}

/** Administration of one Kafka. Calls are made one after the other: concurrent ones are lost (see admin.ts). */
export interface KafkaAdmin {
  cluster(signal: AbortSignal): Promise<{ readonly clusterId: string; readonly brokers: number }>
  listTopics(signal: AbortSignal): Promise<readonly string[]>
  /** Topics that do not exist are left out. */
  describeTopics(
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, TopicDescription>>
  topicSettings(
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>>
  /** Already there is success. One that is refused keeps none of the others from being made. */
  createTopics(topics: readonly NewTopic[], signal: AbortSignal): Promise<void>
  growTopic(name: string, partitions: number, signal: AbortSignal): Promise<void>
  /** Sets only these settings and leaves all others (KIP-339). */
  alterTopic(name: string, set: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>
  /** Gone already is success. */
  deleteTopic(name: string, signal: AbortSignal): Promise<void>
  /** Earliest or latest offset of every partition of a topic; `at` a time in ms gives the first offset at or after it (−1: none). */
  offsets(
    topic: string,
    partitions: readonly number[],
    at: 'earliest' | 'latest' | number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, bigint>>
  /** The ends of all partitions of each topic together: what was ever written. Topics that do not exist are left out. */
  written(topics: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>>
  /** Committed offsets of a group, by topic and partition; empty when the group is unknown. */
  groupOffsets(group: string, signal: AbortSignal): Promise<ReadonlyMap<string, ReadonlyMap<number, bigint>>>
  /** Gone already is success. A group with members throws. */
  deleteGroup(group: string, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
