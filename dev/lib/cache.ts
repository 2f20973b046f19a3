import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { waitForLock } from './lock.ts'
import type { Run } from './run.ts'

const BUILD_LIMIT_MS = 45 * 60_000

/** The folder for what is made once per machine: PENSTOCK_CACHE, else below the user's cache folder. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env['PENSTOCK_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'penstock')
}

/** One thing that is made once and kept. */
export interface CacheEntry {
  /** Folder name: what it is, its version and a checksum of what it is made from. */
  readonly key: string
  /** What it is, for progress lines. */
  readonly what: string
  /** Fills an empty folder. */
  readonly make: (folder: string, run: Run) => Promise<void>
}

/** The folder of an entry, made now if it is not there; a second run that wants it waits for the first. */
export async function cached(entry: CacheEntry, run: Run): Promise<string> {
  const cache = cacheFolder()
  const folder = join(cache, entry.key)
  if (await exists(folder)) return folder
  const lock = await waitForLock(`${folder}.lock`, `making ${entry.what}`, BUILD_LIMIT_MS, run)
  try {
    if (!(await exists(folder))) await makeInPlace(entry, cache, folder, run)
    return folder
  } finally {
    await lock.release()
  }
}

async function makeInPlace(entry: CacheEntry, cache: string, folder: string, run: Run): Promise<void> {
  await mkdir(cache, { recursive: true })
  const fresh = await mkdtemp(join(cache, '.making-'))
  const start = Date.now()
  run.progress(`making ${entry.what}`)
  try {
    await entry.make(fresh, run)
    await rename(fresh, folder)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  run.progress(`${entry.what} made in ${((Date.now() - start) / 1_000).toFixed(0)} s`)
}

/** Whether a path exists. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
