import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, it } from 'vitest'

import { freshTopic, testKafka } from '../clients/kafka/itest.ts'
import { createKafkaProducer } from '../clients/kafka/producer.ts'
import type { FlowConfig, ProcessorConfig } from '../contracts/processor.ts'
import type { WorkloadStatus } from '../contracts/workload.ts'
import { silentLogger } from '../lib/log.ts'
import { type Change, change, expectView, type Order, PARTITIONS, viewOf } from '../processor/itest.ts'
import { runProcessor } from './processor.ts'

const signal = (): AbortSignal => AbortSignal.timeout(50_000)

/** Ends what a test left running. */
const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
})

interface Flow {
  readonly configFile: string
  readonly input: string
  readonly output: string
}

/** Topics and a configuration file for one flow. */
async function flowOf(
  given: Pick<FlowConfig, 'as' | 'steps'> & { state: 'None' | 'Output' | 'Topic' },
): Promise<Flow> {
  const compact = { 'cleanup.policy': 'compact' }
  const input = await freshTopic('in', PARTITIONS)
  const output = await freshTopic('out', PARTITIONS, compact)
  const state = given.state === 'Topic' ? await freshTopic('state', PARTITIONS, compact) : ''
  const flow: FlowConfig = {
    name: 'f',
    group: `penstock.${randomUUID()}`,
    as: given.as,
    start: 'Earliest',
    events: ['c', 'u', 'r'],
    inputs: [
      {
        name: 'orders',
        topic: input,
        format: 'Debezium',
        key: ['id'],
        columns: { id: 'int64', user_id: 'int64', action: 'string', total: 'decimal' },
        epoch: 'e',
      },
    ],
    steps: given.steps,
    output: { topic: output, partitions: PARTITIONS },
    state: given.state === 'Topic' ? { type: 'Topic', topic: state } : { type: given.state },
  }
  const config: ProcessorConfig = {
    version: 1,
    hash: 'h1',
    pipeline: { namespace: 'ns', name: 'p' },
    kafka: { bootstrapServers: [inject('kafka')] },
    flows: [flow],
  }
  const folder = await mkdtemp(join(tmpdir(), 'processor-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  const configFile = join(folder, 'config.json')
  await writeFile(configFile, JSON.stringify(config))
  return { configFile, input, output }
}

/** Runs a processor in this process; `stop` waits for its end. */
function start(configFile: string, port = 0, instanceId = 'p-0'): () => Promise<void> {
  const stop = new AbortController()
  const listen = { host: '127.0.0.1', port }
  const ended = runProcessor(
    { configFile, listen, instanceId, version: '0', log: silentLogger() },
    stop.signal,
  )
  const end = async (): Promise<void> => {
    stop.abort()
    await ended
  }
  cleanups.push(end)
  return end
}

/** Runs a processor in a process of its own, which can be killed. */
function spawnProcessor(configFile: string, instanceId = 'p-0'): ChildProcess {
  const script = `
    const { runProcessor } = await import(${JSON.stringify(join(import.meta.dirname, 'processor.ts'))})
    const { createLogger } = await import(${JSON.stringify(join(import.meta.dirname, '../lib/log.ts'))})
    await runProcessor({ configFile: ${JSON.stringify(configFile)}, listen: { host: '127.0.0.1', port: 0 },
      instanceId: '${instanceId}', version: '0', log: createLogger('processor', 'warn') }, new AbortController().signal)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
  cleanups.push(async () => void child.kill('SIGKILL'))
  return child
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

const order = (id: number, user: number, action: string, total = '1.00'): Order => ({
  id,
  user_id: user,
  action,
  total,
})

describe('processor', () => {
  it('keeps a Table of the rows that pass, withdraws what leaves, and says how it is', async () => {
    const { configFile, input, output } = await flowOf({
      as: 'Table',
      steps: [
        { filter: 'row.action == "VIEW"' },
        { map: { who: 'row.user_id', twice: 'row.user_id * 2', total: 'row.total' } },
      ],
      state: 'None',
    })
    const port = await freePort()
    const stop = start(configFile, port)
    await change(input, [
      ['c', order(1, 7, 'VIEW')],
      ['c', order(2, 8, 'BUY')],
      ['c', order(3, 9, 'VIEW', '2.50')],
      ['u', order(1, 7, 'BUY')],
    ])
    await expectView(output, { 3: { who: '9', twice: '18', total: '2.50' } })
    await change(input, [
      ['d', order(3, 9, 'VIEW')],
      ['u', order(2, 8, 'VIEW')],
    ])
    await expectView(output, { 2: { who: '8', twice: '16', total: '1.00' } })

    const status = (await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as WorkloadStatus
    expect(status).toEqual({
      role: 'processor',
      version: '0',
      hash: 'h1',
      units: [{ name: 'f', state: 'Running', lag: { records: 0, seconds: 0 }, skipped: 0 }],
    })
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain(
      'penstock_flow_records_read_total{flow="f"} 7',
    )
    const stopping = Date.now()
    await stop()
    expect(Date.now() - stopping).toBeLessThan(10_000)
  })

  it('goes on over records that cannot be read and steps that fail', async () => {
    const { configFile, input, output } = await flowOf({
      as: 'Table',
      steps: [{ filter: 'int(row.total) > 0' }],
      state: 'None',
    })
    const producer = createKafkaProducer(testKafka())
    await producer.send(
      [{ topic: input, partition: 0, key: Buffer.from('{'), value: Buffer.from('nonsense') }],
      signal(),
    )
    await producer.close()
    const port = await freePort()
    start(configFile, port)
    await change(input, [
      ['c', order(1, 7, 'A', '5')],
      ['c', order(2, 7, 'A', '6')],
      ['u', order(1, 7, 'A', 'no number')],
      ['c', order(3, 7, 'A', '7')],
    ])
    const row = (id: string, total: string): unknown => ({ id, user_id: '7', action: 'A', total })
    await expectView(output, { 2: row('2', '6'), 3: row('3', '7') })
    const status = (await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as WorkloadStatus
    expect(status.units[0]).toMatchObject({ state: 'Running', skipped: 1 })
  })

  it.each([
    ['a Stream whose output is its state', { as: 'Stream', state: 'Output' }],
    ['a Table with a state topic', { as: 'Table', state: 'Topic' }],
  ] as const)('gives the same after kill -9 and restart: %s', async (_name, kind) => {
    const { configFile, input, output } = await flowOf({
      ...kind,
      steps: [
        { filter: 'row.action == "VIEW"' },
        { key: '"u" + string(row.user_id)' },
        { map: { order: 'row.id' } },
        { reduce: { latest: {} } },
      ],
    })
    const changes = Array.from(
      { length: 4_000 },
      (_, n): Change => ['c', order(n, n % 50, n % 3 ? 'VIEW' : 'BUY')],
    )
    const first = spawnProcessor(configFile)
    const writing = (async () => {
      for (let at = 0; at < changes.length; at += 100) await change(input, changes.slice(at, at + 100))
    })()
    await expect
      .poll(async () => Object.keys(await viewOf(output)).length, { timeout: 20_000 })
      .toBeGreaterThan(10)
    first.kill('SIGKILL')
    spawnProcessor(configFile)
    await writing

    const expected = (rows: readonly Order[]): Record<string, unknown> =>
      Object.fromEntries(
        rows
          .filter(({ action }) => action === 'VIEW')
          .map(({ id, user_id }): [string, unknown] => [`u${user_id}`, { order: String(id) }])
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      )
    const rows = changes.map(([, row]) => row)
    await expectView(output, expected(rows))
    if (kind.as === 'Stream') return

    // The winner goes and the next one comes back; a row that moves to another user leaves the old one.
    await change(input, [
      ['d', order(3_998, 48, 'VIEW')],
      ['u', order(3_997, 1_000, 'VIEW')],
    ])
    const left = rows.filter(({ id }) => id !== 3_998 && id !== 3_997)
    await expectView(output, expected([...left, order(3_997, 1_000, 'VIEW')]))
  })

  it('shares the work with a second process, and takes it over when that one leaves', async () => {
    const { configFile, input, output } = await flowOf({
      as: 'Table',
      steps: [{ filter: 'row.action == "VIEW"' }, { map: { total: 'row.total' } }],
      state: 'None',
    })
    spawnProcessor(configFile, 'p-0')
    const round = async (total: string): Promise<void> => {
      const changes = Array.from({ length: 1_000 }, (_, n): Change => ['u', order(n, 1, 'VIEW', total)])
      for (let at = 0; at < changes.length; at += 50) await change(input, changes.slice(at, at + 50))
    }
    const all = (total: string): Record<string, unknown> =>
      Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [String(n), { total }]))
    await round('1.00')
    const port = await freePort()
    const joining = round('1.50')
    const stopSecond = start(configFile, port, 'p-1')
    const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/readyz`)).status
    await expect.poll(ready, { timeout: 15_000 }).toBe(200)
    await joining
    await round('2.00')
    await expectView(output, all('2.00'))
    const third = round('3.00')
    await stopSecond()
    await third
    await expectView(output, all('3.00'))
  })
})
