import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

import { startShop } from '../demo/shop.ts'
import { sandbox } from '../dev/kubernetes/sandbox/provider.ts'
import { commandFrom, ensureInstalled } from '../dev/lib/packages.ts'
import { terminalProgress } from '../dev/lib/run.ts'

/** Where the end-to-end tests' shop is: plain data, fit for a test's thread. */
export interface ShopAddresses {
  /** What comes before a command so that it runs inside the cluster's namespaces. */
  readonly enter: readonly string[]
  readonly databasePort: number
  readonly gatewayPort: number
  readonly controlSocket: string
}

declare module 'vitest' {
  interface ProvidedContext {
    shop: ShopAddresses
  }
}

/** Starts the shop of the demo once for a run, with the sample applied and Ready. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const run = { progress: terminalProgress(), signal: AbortSignal.timeout(45 * 60_000) }
  await ensureInstalled([commandFrom('chromium')], run)
  const dir = await mkdtemp(join(tmpdir(), 'penstock-e2e-'))
  const clear = () => rm(dir, { recursive: true, force: true })
  try {
    const shop = await startShop({ ...run, dir, provider: sandbox })
    const close = async () => {
      await shop.close()
      await clear()
    }
    try {
      await shop.applySample(run.signal)
      await shop.kubectl(
        ['-n', 'shop', 'wait', '--for=condition=Ready', '--timeout=120s', 'source/shop', 'pipeline/shop'],
        run.signal,
      )
      const gateway = await shop.openGateway(run.signal)
      project.provide('shop', {
        enter: shop.cluster.enter(['true']).slice(0, -1),
        databasePort: shop.databasePort,
        gatewayPort: gateway.port,
        controlSocket: shop.controlSocket,
      })
      return async () => {
        await gateway.close()
        await close()
      }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    await clear()
    throw error
  }
}
