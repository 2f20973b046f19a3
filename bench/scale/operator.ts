/** The operator as main puts it together, on clients that ask the stand-ins: `node operator.ts <their port> <own port>`. */
import { Agent } from 'undici'
import type { KafkaAdmin, KafkaConnection, KafkaLog } from '../../src/clients/kafka/types.ts'
import { type ClientPool, createClientPool } from '../../src/clients/pool.ts'
import type { PostgresAddress, PostgresClient } from '../../src/clients/postgres.ts'
import type { WorkloadStatus } from '../../src/contracts/workload.ts'
import { createLogger } from '../../src/lib/log.ts'
import { collectSoon } from '../../src/main/memory.ts'
import { runOperator } from '../../src/main/operator.ts'
import { fromWire, toWire } from './wire.ts'

/** Every call there is: one that is added to the interface and missing here does not compile. */
const METHODS: Readonly<Record<Exclude<keyof KafkaAdmin, 'close'>, true>> = {
  ...{ cluster: true, listTopics: true, describeTopics: true, topicSettings: true, createTopics: true },
  ...{ growTopic: true, alterTopic: true, deleteTopic: true, offsets: true, written: true },
  ...{ groupOffsets: true, deleteGroup: true },
}

const [, , outside = '', own = '0'] = process.argv
const agent = new Agent({ connections: 16, keepAliveTimeout: 55_000 })

function standIns(port: string): ClientPool {
  const ask = async (path: string, body: unknown): Promise<unknown> => {
    const response = await agent.request({
      origin: `http://127.0.0.1:${port}`,
      path,
      method: 'POST',
      body: toWire(body),
    })
    const answer = await response.body.text()
    if (response.statusCode !== 200) throw new Error(answer)
    return fromWire(answer)
  }
  const siteOf = (host: string) => host.replace(/:.*/, '')
  const kafka = (connection: KafkaConnection) => {
    const site = siteOf(connection.bootstrapServers[0] ?? '')
    const calls = Object.keys(METHODS).map((method) => [
      method,
      (...values: unknown[]) => ask(`/kafka/${site}/${method}`, values.slice(0, -1)),
    ])
    return { ...Object.fromEntries(calls), close: async () => undefined } as KafkaAdmin
  }
  const log = (connection: KafkaConnection): KafkaLog => {
    const site = siteOf(connection.bootstrapServers[0] ?? '')
    return {
      scan: async function* (topic) {
        const written = (await ask(`/log/${site}/read`, [topic])) as readonly (readonly [string, string])[]
        const position = BigInt(written.length)
        const records = written.map(([key, value], offset) => ({
          ...{ key: Buffer.from(key), value: Buffer.from(value), offset: BigInt(offset) },
          ...{ timestamp: 0, headers: new Map<string, Buffer>() },
        }))
        yield { topic, partition: 0, records, position, highWatermark: position, logStart: 0n }
      },
      append: async (records) => {
        const written = records.map(({ topic, key, value }) => [topic, String(key), String(value)])
        await ask(`/log/${site}/append`, written)
      },
      close: async () => undefined,
    }
  }
  const postgres = ({ host }: PostgresAddress): PostgresClient => ({
    query: (sql, values) => ask(`/sql/${host}`, { sql, values }) as ReturnType<PostgresClient['query']>,
    pooled: async () => false,
    close: async () => undefined,
  })
  const pool = createClientPool(2_000)
  return {
    ...pool,
    get: (kind, address, create) => {
      if (kind === 'kafka') return pool.get(kind, address, () => kafka(address as KafkaConnection) as never)
      if (kind === 'kafka-log') return pool.get(kind, address, () => log(address as KafkaConnection) as never)
      if (kind === 'postgres')
        return pool.get(kind, address, () => postgres(address as PostgresAddress) as never)
      return pool.get(kind, address, create)
    },
  }
}

collectSoon()
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort(new Error('SIGTERM')))
// Its end is the end of the run.
process.stdin.once('end', () => process.exit()).resume()
await runOperator(
  {
    listen: { host: '127.0.0.1', port: Number(own) },
    installation: 'bench',
    image: { name: 'penstock:bench', pullPolicy: 'Never' },
    log: createLogger('operator', process.env['PENSTOCK_LOG_LEVEL'] ?? 'error'),
    pool: standIns(outside),
    askPod: async (url) => {
      const path = `/pod/${new URL(url).hostname}`
      const response = await agent.request({ origin: `http://127.0.0.1:${outside}`, path, method: 'GET' })
      if (response.statusCode !== 200) throw new Error(`${url} answers ${response.statusCode}`)
      return (await response.body.json()) as WorkloadStatus
    },
  },
  stop.signal,
)
process.exit()
