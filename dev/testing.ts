import { rm } from 'node:fs/promises'
import { type Bed, type BedAddresses, type BedDataOptions, type ServerName, startBed } from './bed.ts'
import { type RemoteServer, remoteServer } from './control.ts'
import { type Run, terminalProgress } from './lib/run.ts'
import { testFolder } from './lib/test-folder.ts'

export type { BedAddresses, ServerName } from './bed.ts'
export { openSite, type Site, siteDatabase, siteWorker } from './beside.ts'
export { writeSecret } from './data/secrets.ts'
export type { Server } from './lib/server.ts'

/** Starts the servers that a test run shares, in a temporary folder (6 s); throws when one is not ready in time. */
export async function startTestBed(
  options: Run & { readonly data?: BedDataOptions },
): Promise<Pick<Bed, 'addresses' | 'discard'>> {
  const dir = await testFolder()
  const clear = () => rm(dir, { recursive: true, force: true })
  try {
    const bed = await startBed({ ...options, dir })
    const discard = async () => {
      await bed.discard()
      await clear()
    }
    return { addresses: bed.addresses, discard }
  } catch (error) {
    await clear()
    throw error
  }
}

/** A test's handle on one of the shared servers, to kill it and start it again from any thread. */
export function sharedServer(addresses: BedAddresses, name: ServerName): RemoteServer {
  return remoteServer(addresses.controlSocket, name)
}

/** A vitest global set-up: starts a test bed, provides its addresses as `testBed`, and returns the tear-down. */
export async function setUpTestBed(project: {
  provide(key: 'testBed', value: BedAddresses): void
}): Promise<() => Promise<void>> {
  const bed = await startTestBed({ progress: terminalProgress(), signal: AbortSignal.timeout(45 * 60_000) })
  project.provide('testBed', bed.addresses)
  return bed.discard
}
