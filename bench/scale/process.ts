import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PROGRAM } from '../../dev/bundle.ts'

/** The sum of the samples of a metric; 0 where there are none. */
export type Metric = (name: string) => number

/** An operator under measurement. */
export interface MeasuredOperator {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly pid: number
  metrics(): Promise<Metric>
  /** Asks until it says so; throws when the time is up. */
  until(what: string, withinMs: number, is: (metric: Metric) => boolean): Promise<void>
  /** Resolves when /readyz says that every object is in its caches. */
  synced(): Promise<void>
  stop(): Promise<void>
}

/** An operator under load answers late, and that it is done must not be noticed minutes later. */
const MOST_DELAY_MS = 5_000

/** charts/penstock/templates/deployment.yaml */
const AS_IN_THE_CHART = '--max-semi-space-size=16'

/** Starts an operator, bundled as in the image, on the stand-ins in a process of its own. */
export async function startMeasured(
  folder: string,
  kubeconfig: string,
  outsidePort: number,
): Promise<MeasuredOperator> {
  const port = await freePort()
  const startedAt = Date.now()
  const child = spawn(process.execPath, [join(folder, PROGRAM), String(outsidePort), String(port)], {
    env: { ...process.env, NODE_OPTIONS: AS_IN_THE_CHART, KUBECONFIG: kubeconfig },
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  const metrics = async (): Promise<Metric> => {
    const lines = (await (await get('/metrics')).text()).split('\n')
    return (name) =>
      lines
        .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
  const waitFor = async (what: string, withinMs: number, probe: () => Promise<boolean>) => {
    const end = Date.now() + withinMs
    for (;;) {
      const askedAt = Date.now()
      if (await probe().catch(() => false)) return
      if (child.exitCode !== null) throw new Error(`the operator ended with ${child.exitCode}`)
      if (Date.now() > end) throw new Error(`not within ${withinMs / 1_000} s: ${what}`)
      // Metrics of thousands of objects are work: what is measured must not be the measuring.
      await delay(Math.min(MOST_DELAY_MS, Math.max(100, 20 * (Date.now() - askedAt))))
    }
  }
  return {
    startedAt,
    pid: child.pid ?? 0,
    metrics,
    until: (what, withinMs, is) => waitFor(what, withinMs, async () => is(await metrics())),
    synced: () => waitFor('synced', 60_000, async () => (await get('/readyz')).status === 200),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await Promise.race([exit, delay(15_000).then(() => child.kill('SIGKILL'))])
      await exit
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
