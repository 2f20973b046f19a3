import type { KafkaAdmin, KafkaRecord, PartitionBatch, PartitionReader } from '../../clients/kafka/types.ts'

/**
 * A topic in memory. It stands for the broker and the reader of clients/kafka: records with offsets, holes, a start that
 * moves, polls that wait. It does not stand for: leaders, fetch sessions, transactions, compaction by itself.
 */
export interface FakeTopic {
  /** Appends a record of one of our own flows; undefined is a tombstone. Returns its offset. */
  put(partition: number, key: string, row: object | undefined, ts?: number): number
  /** Moves the end on without a record, as a transaction marker or compaction does. */
  hole(partition: number): void
  /** Removes what is below, as retention does. */
  trim(partition: number, start: number): void
  /** Makes polls and questions fail until it is called with undefined. */
  fail(message: string | undefined): void
  end(partition: number): number
  reader(): PartitionReader
  readonly admin: KafkaAdmin
  /** As if the topic was deleted and made again, with so many partitions. */
  recreate(partitions: number): void
}

interface Log {
  records: KafkaRecord[]
  start: number
  end: number
}

/** A topic named `name`; a poll returns at most `batch` records a partition. */
export function createFakeTopic(name: string, partitions: number, batch = 100): FakeTopic {
  let id = 1
  let failure: string | undefined
  let logs: Log[] = []
  const waiting = new Set<() => void>()
  const make = (count: number): Log[] =>
    Array.from({ length: count }, () => ({ records: [], start: 0, end: 0 }))
  const notify = (): void => {
    for (const wake of waiting) wake()
    waiting.clear()
  }
  const logOf = (partition: number): Log => logs[partition] ?? { records: [], start: 0, end: 0 }
  logs = make(partitions)

  function reader(): PartitionReader {
    const cursors = new Map<number, { position: bigint; announced: boolean }>()
    const collect = (): PartitionBatch[] => {
      const batches: PartitionBatch[] = []
      for (const [partition, cursor] of cursors) {
        const log = logOf(partition)
        if (cursor.position < log.start) {
          const text = `${name}-${partition} does not hold offset ${cursor.position}`
          const detail = { topic: name, partition, offset: cursor.position, logStart: BigInt(log.start) }
          throw Object.assign(new Error(text), { kind: 'OffsetOutOfRange', ...detail })
        }
        const records = log.records.filter(({ offset }) => offset >= cursor.position).slice(0, batch)
        const whole = records.length < batch
        const position = whole ? BigInt(log.end) : (records.at(-1)?.offset ?? 0n) + 1n
        if (position === cursor.position && cursor.announced) continue
        Object.assign(cursor, { position, announced: true })
        batches.push({
          topic: name,
          partition,
          records,
          position,
          highWatermark: BigInt(log.end),
          logStart: BigInt(log.start),
        })
      }
      return batches
    }
    return {
      seek: (_topic, partition, offset) =>
        void cursors.set(partition, { position: offset, announced: false }),
      drop: (_topic, partition) => void cursors.delete(partition),
      async poll(signal) {
        signal.throwIfAborted()
        if (failure !== undefined) throw new Error(failure)
        const ready = collect()
        if (ready.length > 0) return ready
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 20)
          waiting.add(() => {
            clearTimeout(timer)
            resolve()
          })
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        return failure === undefined ? collect() : []
      },
      close: () => Promise.resolve(),
    }
  }

  const guard = <T>(value: () => T): Promise<T> =>
    failure === undefined ? Promise.resolve(value()) : Promise.reject(new Error(failure))
  const describe = () => ({ name, id: `id-${id}`, partitions: logs.length, replicationFactor: 1 })
  const refuse = (): Promise<never> => Promise.reject(new Error('a fake topic cannot do this'))

  return {
    reader,
    put(partition, key, row, ts = Date.now()) {
      const log = logOf(partition)
      const offset = log.end
      const value = row === undefined ? undefined : Buffer.from(JSON.stringify(row))
      log.records.push({
        key: Buffer.from(key),
        value,
        offset: BigInt(offset),
        timestamp: ts,
        headers: new Map(),
      })
      log.end += 1
      notify()
      return offset
    },
    hole(partition) {
      logOf(partition).end += 1
      notify()
    },
    trim(partition, start) {
      const log = logOf(partition)
      log.start = start
      log.records = log.records.filter(({ offset }) => offset >= start)
    },
    fail(message) {
      failure = message
      notify()
    },
    end: (partition) => logOf(partition).end,
    recreate(count) {
      id += 1
      logs = make(count)
      notify()
    },
    admin: {
      cluster: () => Promise.resolve({ clusterId: 'fake', brokers: 1 }),
      listTopics: () => guard(() => [name]),
      describeTopics: (names) => guard(() => new Map(names.includes(name) ? [[name, describe()]] : [])),
      topicSettings: () => guard(() => new Map()),
      createTopics: refuse,
      growTopic: refuse,
      alterTopic: refuse,
      deleteTopic: refuse,
      offsets: (_topic, wanted, at) =>
        guard(
          () =>
            new Map(
              wanted.map((partition) => {
                const log = logOf(partition)
                if (at === 'earliest') return [partition, BigInt(log.start)]
                if (at === 'latest') return [partition, BigInt(log.end)]
                return [partition, log.records.find(({ timestamp }) => timestamp >= at)?.offset ?? -1n]
              }),
            ),
        ),
      written: () => guard(() => new Map()),
      groupOffsets: () => Promise.resolve(new Map()),
      deleteGroup: refuse,
      close: () => Promise.resolve(),
    },
  }
}
