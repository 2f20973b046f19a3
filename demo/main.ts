import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { kind } from '../dev/kubernetes/kind.ts'
import { sandbox } from '../dev/kubernetes/sandbox/provider.ts'
import { terminalProgress } from '../dev/lib/run.ts'
import { servePage } from './page/serve.ts'
import { type Shop, startShop } from './shop.ts'
import { runWriter } from './writer.ts'

const CHANGES_PER_SECOND = 20
const READY_WITHIN = '120s'

/** `make demo`: everything up, a writer that never rests, a page, and `kubectl get` live until Ctrl-C. */
async function main(): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => stop.abort(new Error(`stopped by ${name}`)))
  const { signal } = stop
  const progress = terminalProgress()
  const dir = await mkdtemp(join(tmpdir(), 'penstock-demo-'))
  const clear = () => rm(dir, { recursive: true, force: true })
  try {
    const shop = await startShop({
      dir,
      provider: process.env['PROVIDER'] === 'kind' ? kind : sandbox,
      progress,
      signal,
    })
    try {
      await show(shop, progress, signal)
    } finally {
      progress('stopping')
      await shop.close()
    }
  } catch (error) {
    // Ctrl-C is how a demo ends.
    if (!signal.aborted) throw error
  } finally {
    await clear()
    progress('nothing is left running')
  }
}

async function show(shop: Shop, progress: (text: string) => void, signal: AbortSignal): Promise<void> {
  await shop.applySample(signal)
  progress('the sample is applied: waiting until every row flows')
  await shop.kubectl(
    [
      '-n',
      'shop',
      'wait',
      '--for=condition=Ready',
      `--timeout=${READY_WITHIN}`,
      'source/shop',
      'pipeline/shop',
    ],
    signal,
  )
  const writer = runWriter(shop.pool, CHANGES_PER_SECOND, signal)
  const gateway = await shop.openGateway(signal)
  const page = await servePage()
  progress('ready')
  process.stdout.write(`\n  Open  ${page.url(gateway.port)}\n  Ctrl-C ends everything.\n\n`)
  try {
    await watch(shop, signal)
  } finally {
    page.close()
    await gateway.close()
    await writer
  }
}

/** Prints our kinds whenever what is shown changes. */
async function watch(shop: Shop, signal: AbortSignal): Promise<void> {
  let last = ''
  while (!signal.aborted) {
    const text = await shop.kubectl(['get', 'penstock', '-n', 'shop', '-o', 'wide'], signal).catch(() => last)
    // Ages change all the time and say nothing.
    const face = text.replaceAll(/\S+$/gm, '')
    if (face !== last) process.stdout.write(`${new Date().toISOString().slice(11, 19)}\n${text}\n`)
    last = face
    await delay(2_000, undefined, { signal }).catch(() => undefined)
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
