import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { run, succeeds } from './command.ts'
import { waitForLock } from './lock.ts'
import type { Run } from './run.ts'

/** Something that the machine must have, and the Debian package that brings it. */
export interface Requirement {
  readonly package: string
  readonly isPresent: (signal: AbortSignal) => Promise<boolean>
}

/** A requirement that a command of this name is on the PATH. */
export function commandFrom(command: string, debianPackage: string = command): Requirement {
  return {
    package: debianPackage,
    isPresent: (signal) => succeeds(['sh', '-c', `command -v ${command}`], signal),
  }
}

/** Installs what is missing when this process may and the machine is a Debian; else throws, naming the packages. */
export async function ensureInstalled(requirements: readonly Requirement[], context: Run): Promise<void> {
  if ((await missingOf(requirements, context.signal)).length === 0) return
  const lock = await waitForLock(
    join(cacheFolder(), 'packages.lock'),
    'installing packages',
    900_000,
    context,
  )
  try {
    const missing = await missingOf(requirements, context.signal)
    if (missing.length > 0) await install(missing, context)
  } finally {
    await lock.release()
  }
}

async function missingOf(
  requirements: readonly Requirement[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const present = await Promise.all(requirements.map((requirement) => requirement.isPresent(signal)))
  return [...new Set(requirements.filter((_, index) => !present[index]).map((missing) => missing.package))]
}

async function install(packages: readonly string[], { progress, signal }: Run): Promise<void> {
  const names = packages.join(' ')
  if (process.getuid?.() !== 0 || !(await succeeds(['sh', '-c', 'command -v apt-get'], signal))) {
    throw new Error(`the local stack needs ${names}: install them with "apt-get install ${names}" as root`)
  }
  progress(`installing ${names}`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  // Another package manager at work holds the lock for a while: wait for it rather than fail.
  const patience = ['-q', '-o', 'DPkg::Lock::Timeout=600']
  await run(['apt-get', 'update', ...patience], { env, withinMs: 300_000, signal })
  await run(['apt-get', 'install', '-y', '--no-install-recommends', ...patience, ...packages], {
    env,
    withinMs: 900_000,
    signal,
  })
}
