import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cached } from '../../dev/lib/cache.ts'
import { hashOf } from '../../dev/lib/files.ts'
import { goBuild } from '../../dev/lib/go.ts'
import { reservePorts } from '../../dev/lib/ports.ts'
import type { Run } from '../../dev/lib/run.ts'

const SOURCE = join(import.meta.dirname, 'peer')
const READY_LIMIT_MS = 1_800_000
const SETTLE_MS = 20_000
const REST_MS = 30_000

/** What the peer is run on. */
export interface PeerBench {
  readonly kubeconfig: string
  /** The stand-ins, untouched so far. */
  readonly outside: { readonly port: number; writes(): number; resources(): number }
  /** Makes Backbones and Sources on an API server that holds none. */
  readonly make: () => Promise<void>
  /** How many it makes. */
  readonly objects: number
}

/**
 * The same cold start and rest by an operator on controller-runtime, compiled from `peer/` (half a minute the first time).
 * Figures are called as ours are.
 */
export async function measurePeer(bench: PeerBench, context: Run): Promise<Readonly<Record<string, number>>> {
  const { kubeconfig, outside, make, objects } = bench
  const program = await compile(context)
  const ports = await reservePorts({ count: 1 }, context.signal)
  const at = `127.0.0.1:${ports.ports[0]}`
  const child = spawn(program, [`http://127.0.0.1:${outside.port}`, at], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const exited = once(child, 'exit')
  try {
    await until('the peer runs', 30_000, async () => (await metricsOf(at))('go_goroutines') > 0)
    await make()
    const madeAt = Date.now()
    await until('every object is Ready', READY_LIMIT_MS, async () => {
      if (child.exitCode !== null) throw new Error(`the peer ended with ${child.exitCode}`)
      return (await metricsOf(at))('penstock_ready') === objects
    })
    const coldReadySeconds = (Date.now() - madeAt) / 1_000
    const cold = await metricsOf(at)
    const outsideWrites = outside.writes()
    await delay(SETTLE_MS)
    const begin = await metricsOf(at)
    await delay(REST_MS)
    const end = await metricsOf(at)
    const spent = end('process_cpu_seconds_total') - begin('process_cpu_seconds_total')
    return {
      coldReadySeconds: round(coldReadySeconds),
      coldCpuSeconds: round(cold('process_cpu_seconds_total')),
      writesPerObject: round(cold(WRITES) / objects),
      outsideWritesPerResource: round(outsideWrites / outside.resources()),
      restWrites: end(WRITES) - begin(WRITES),
      restCpuPercent: round((spent / (REST_MS / 1_000)) * 100),
      rssMiB: round(end('process_resident_memory_bytes') / 2 ** 20),
    }
  } finally {
    child.kill('SIGTERM')
    await exited
    await ports.release()
  }
}

const round = (value: number) => Math.round(value * 100) / 100
/** Status and finalizers; events are POSTs. */
const WRITES = 'rest_client_requests_total PATCH'

async function compile(context: Run): Promise<string> {
  const make = (folder: string, making: Run) => goBuild(SOURCE, join(folder, 'peer'), '', making)
  const what = 'the peer of the scale bench'
  return join(await cached({ key: `peer-${await hashOf([SOURCE])}`, what, make }, context), 'peer')
}

/** The sum of a metric's samples that carry the word, where one follows the name. */
async function metricsOf(at: string): Promise<(what: string) => number> {
  const lines = (await (await fetch(`http://${at}/metrics`)).text()).split('\n')
  return (what) => {
    const [name = '', word = ''] = what.split(' ')
    return lines
      .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(word))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
}

async function until(what: string, withinMs: number, is: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await is().catch(() => false))) {
    if (Date.now() > end) throw new Error(`not within ${withinMs / 1_000} s: ${what}`)
    await delay(100)
  }
}
