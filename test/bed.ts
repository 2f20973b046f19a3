import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { type BedAddresses, setUpTestBed } from '../dev/testing.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Addresses of the servers that the integration tests of a run share. */
    testBed: BedAddresses
  }
}

const CRDS = fileURLToPath(new URL('../crds', import.meta.url))

/** Starts the servers of a run of integration tests once, with our kinds in the API server, and ends them with it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const started: BedAddresses[] = []
  const tearDown = await setUpTestBed({
    provide: (key, addresses) => {
      const [kafka = ''] = addresses.bootstrapServers
      project.provide(key, addresses)
      project.provide('kafka', kafka)
      started.push(addresses)
    },
  })
  try {
    for (const bed of started) await installKinds(bed)
  } catch (error) {
    await tearDown()
    throw error
  }
  return tearDown
}

/** Makes our kinds known to the API server of a bed. */
export async function installKinds({ kubectl, kubeconfig }: BedAddresses): Promise<void> {
  const run = (...args: string[]) =>
    promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, ...args], { timeout: 60_000 })
  await run('apply', '--server-side', '-f', CRDS)
  await run('wait', '--for=condition=established', '--timeout=30s', '-f', CRDS)
}
