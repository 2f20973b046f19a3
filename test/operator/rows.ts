import { createKafkaLog } from '../../src/clients/kafka/log.ts'
import { isObject, parseJson } from '../../src/lib/json.ts'
import { eventually } from './eventually.ts'
import { kafkaOf, type World } from './world.ts'

const limit = () => AbortSignal.timeout(30_000)

/** What a topic says of each key in the end, as whoever reads it from its beginning sees it; a key that is gone is absent. */
export async function viewOf({ bed, kafka }: World, topic: string): Promise<ReadonlyMap<string, unknown>> {
  const partitions = (await kafka.describeTopics([topic], limit())).get(topic)?.partitions ?? 0
  const from = new Map(Array.from({ length: partitions }, (_, partition) => [partition, 0n]))
  const log = createKafkaLog(kafkaOf(bed))
  const rows = new Map<string, unknown>()
  try {
    for await (const { records } of log.scan(topic, from, limit())) {
      for (const { key, value } of records) {
        const envelope: unknown = value && parseJson(value.toString())
        const after = isObject(envelope) ? envelope['after'] : undefined
        if (isObject(after)) rows.set(String(key), after)
        else rows.delete(String(key))
      }
    }
    return rows
  } finally {
    await log.close()
  }
}

/** Waits until a table's topic says of every row what the table does, and of no other row anything. Integer columns and texts only. */
export async function sameRows(
  world: World,
  table: string,
  withinMs = 60_000,
  source = 'shop',
): Promise<void> {
  const topic = `${world.namespace}.${source}.${table}`
  const last: { text?: string } = {}
  await eventually(
    `${topic} is as ${table}`,
    withinMs,
    async () => {
      const rows = new Set((await world.sql(`select * from ${table}`)).map(texts))
      const view = new Set([...(await viewOf(world, topic)).values()].map(texts))
      const missing = [...rows].filter((row) => !view.has(row))
      const ghosts = [...view].filter((row) => !rows.has(row))
      last.text = `only in the table: ${missing.length}, ${missing.slice(0, 10).join(' ')}\nonly in the topic: ${ghosts.length}, ${ghosts.slice(0, 10).join(' ')}\noperator: ${world.operator().log()}`
      return missing.length + ghosts.length === 0 ? true : undefined
    },
    () => last.text ?? '',
  )
}

/** A row as text; a column that is null and one that is not there are the same. */
const texts = (row: unknown): string =>
  JSON.stringify(
    Object.entries(row as object)
      .filter(([, value]) => value !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
