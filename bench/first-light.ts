import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from '@penstock/client'

import { type Shop, startShop } from '../demo/shop.ts'
import { sandbox } from '../dev/kubernetes/sandbox/provider.ts'
import { run } from '../dev/lib/command.ts'
import { terminalProgress } from '../dev/lib/run.ts'
import type { InsideResult } from './first-light-inside.ts'
import { figure, report, versions } from './lib/report.ts'

const RUNS = Number(process.env['RUNS'] ?? 3)
const SECONDS = Number(process.env['SECONDS'] ?? 20)
const ROOT = join(import.meta.dirname, '..')

/** One run: everything from nothing, the sample applied, then 100 rows a second. */
async function once(
  signal: AbortSignal,
): Promise<InsideResult & { readonly applied: number; readonly demo: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-bench-'))
  const begun = performance.now()
  const shop = await startShop({ dir, provider: sandbox, progress: terminalProgress(), signal })
  try {
    const applying = performance.now()
    await shop.applySample(signal)
    await firstRow(shop, signal)
    const first = performance.now()
    const inside = await measureInside(shop, signal)
    return { ...inside, applied: (first - applying) / 1_000, demo: (first - begun) / 1_000 }
  } finally {
    await shop.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Waits for Ready=True of all three objects and the first row at a client of the view. */
async function firstRow(shop: Shop, signal: AbortSignal): Promise<void> {
  await shop.kubectl(
    [
      '-n',
      'shop',
      'wait',
      '--for=condition=Ready',
      '--timeout=120s',
      'backbone/main',
      'source/shop',
      'pipeline/shop',
    ],
    signal,
  )
  const gateway = await shop.openGateway(signal)
  const client = createClient({ url: `http://127.0.0.1:${gateway.port}` })
  const orders = client.view('orders').subscribe()
  for (let tries = 0; orders.list().length === 0; tries++) {
    if (tries > 1_200) throw new Error('no row within 60 s of Ready')
    await delay(50)
  }
  client.stop()
  await gateway.close()
}

async function measureInside(shop: Shop, signal: AbortSignal): Promise<InsideResult> {
  const address = await shop.kubectl(
    ['-n', 'shop', 'get', 'service', 'shop-gateway', '-o', 'jsonpath={.spec.clusterIP}'],
    signal,
  )
  const command = shop.cluster.enter([
    process.execPath,
    join(ROOT, 'bench/first-light-inside.ts'),
    `http://${address.trim()}`,
    String(SECONDS),
  ])
  const output = await run(command, { withinMs: (SECONDS + 60) * 1_000, signal })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as InsideResult
}

const signal = AbortSignal.timeout(40 * 60_000)
const results: Awaited<ReturnType<typeof once>>[] = []
for (let n = 0; n < RUNS; n++) results.push(await once(signal))
const each = (pick: (result: (typeof results)[number]) => number) => results.map(pick)
const rss = (role: string) =>
  figure(
    each((result) => result.rss[role] ?? Number.NaN),
    'MiB',
  )

report('first-light', {
  runs: RUNS,
  command: 'node bench/first-light.ts',
  versions: versions(),
  figures: {
    commitToFrameP50Ms: figure(
      each(({ frame }) => frame.p50),
      'ms',
      50,
    ),
    commitToFrameP99Ms: figure(
      each(({ frame }) => frame.p99),
      'ms',
      150,
    ),
    applyToFirstRowSeconds: figure(
      each(({ applied }) => applied),
      's',
      20,
    ),
    demoWarmSeconds: figure(
      each(({ demo }) => demo),
      's',
      60,
    ),
    rssOperatorMiB: rss('operator'),
    rssProcessorMiB: rss('processor'),
    rssGatewayMiB: rss('gateway'),
  },
  peers: {
    'kafkajs consumer of the same topic': {
      commitToTopicP50Ms: figure(
        each(({ topic }) => topic.p50),
        'ms',
      ),
      commitToTopicP99Ms: figure(
        each(({ topic }) => topic.p99),
        'ms',
      ),
    },
  },
})
