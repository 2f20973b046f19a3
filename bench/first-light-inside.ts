import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '@penstock/client'
import { Kafka, logLevel } from 'kafkajs'
import { Pool } from 'pg'

import { quantile } from './lib/report.ts'

/** What one run inside the cluster's network measures. Latencies are from the commit's acknowledgement, ms. */
export interface InsideResult {
  readonly frame: { readonly p50: number; readonly p99: number }
  /** A plain consumer of Debezium's topic: what reaches Kafka, without us. */
  readonly topic: { readonly p50: number; readonly p99: number }
  /** Resident set of each role, MiB. */
  readonly rss: Readonly<Record<string, number>>
}

const RATE = 100

async function main(gatewayUrl: string, seconds: number): Promise<InsideResult> {
  const pool = new Pool({ host: '127.0.0.1', port: 5432, user: 'postgres', database: 'shop', max: 4 })
  const committed = new Map<string, number>()
  const frames: number[] = []
  const records: number[] = []
  const seen = (list: number[], key: string) => {
    const at = committed.get(key)
    if (at !== undefined) list.push(performance.now() - at)
  }
  const client = createClient({ url: gatewayUrl })
  const orders = client.view('orders').subscribe()
  orders.onDelta((changes) => {
    for (const [key, row] of changes) if (row) seen(frames, key)
  })
  const kafka = new Kafka({ brokers: ['127.0.0.1:9092'], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `bench-${Date.now()}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'store.shop.public.orders', fromBeginning: false })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const key = JSON.parse(String(message.key)) as { id: number }
      if (message.value) seen(records, String(key.id))
    },
  })
  await delay(3_000)
  const count = seconds * RATE
  const begun = performance.now()
  const inserts: Promise<unknown>[] = []
  for (let n = 0; n < count; n++) {
    await delay(Math.max(0, begun + (n * 1_000) / RATE - performance.now()))
    inserts.push(
      pool
        .query<{ id: number }>("INSERT INTO orders (customer, total) VALUES ('bench', 1) RETURNING id")
        .then(({ rows }) => committed.set(String(rows[0]?.id), performance.now())),
    )
  }
  await Promise.all(inserts)
  await delay(2_000)
  const rss = residentSets()
  client.stop()
  await consumer.disconnect()
  await pool.query("DELETE FROM orders WHERE customer = 'bench'")
  await pool.end()
  if (frames.length < count * 0.9) throw new Error(`only ${frames.length} of ${count} rows came as frames`)
  return {
    frame: { p50: quantile(frames, 0.5), p99: quantile(frames, 0.99) },
    topic: { p50: quantile(records, 0.5), p99: quantile(records, 0.99) },
    rss,
  }
}

/** Resident sets of our roles, found by what their command lines say. */
function residentSets(): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      const role = ['operator', 'processor', 'gateway'].find((name) => command.includes(name))
      const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      if (role && command[0]?.includes('node') && resident) found[role] = Number(resident) / 1_024
    } catch {
      // The process has ended meanwhile.
    }
  }
  return found
}

const [gatewayUrl = '', seconds = '10'] = process.argv.slice(2)
process.stdout.write(`${JSON.stringify(await main(gatewayUrl, Number(seconds)))}\n`)
process.exit(0)
