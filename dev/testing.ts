import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bed, type BedAddresses, type BedDataOptions, type ServerName, startBed } from './bed.ts'
import { type RemoteServer, remoteServer } from './control.ts'
import { type Run, terminalProgress } from './lib/run.ts'

export type { BedAddresses, ServerName } from './bed.ts'
export { writeSecret } from './data/secrets.ts'

const PREFIX = 'penstock-test-'
const LONGEST_RUN_MS = 6 * 3_600_000

/** Starts the servers that a test run shares, in a temporary folder (6 s); throws when one is not ready in time. */
export async function startTestBed(
  options: Run & { readonly data?: BedDataOptions },
): Promise<Pick<Bed, 'addresses' | 'discard'>> {
  await removeAbandoned()
  const dir = await mkdtemp(join(tmpdir(), PREFIX))
  const clear = () => rm(dir, { recursive: true, force: true })
  // The database's own user must get to its folder.
  await chmod(dir, 0o755)
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

// A killed run leaves its folder, and a machine of CI is kept.
async function removeAbandoned(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX))
  for (const path of names.map((name) => join(tmpdir(), name))) {
    const changed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    )
    if (Date.now() - changed > LONGEST_RUN_MS) await rm(path, { recursive: true, force: true })
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
