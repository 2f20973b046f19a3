import { readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { waitUntil } from '../../lib/wait.ts'

const ROOT = '/sys/fs/cgroup'

/** Removes the cgroups of pods, which outlive namespaces; throws when processes in them do not go within 10 s. */
export async function removePodCgroups(signal: AbortSignal): Promise<void> {
  const probe = async () => {
    const left = await podCgroups()
    for (const cgroup of left) await removeBelow(cgroup)
    return left.length === 0
  }
  await waitUntil({ what: 'the cgroups of an earlier cluster', withinMs: 10_000, probe, signal })
}

async function podCgroups(): Promise<readonly string[]> {
  const parents = [ROOT, ...(await subfolders(ROOT))]
  const candidates = parents.map((parent) => join(parent, 'kubepods'))
  const present = await Promise.all(candidates.map(isCgroup))
  return candidates.filter((_, index) => present[index])
}

async function isCgroup(path: string): Promise<boolean> {
  return readFile(join(path, 'cgroup.procs')).then(
    () => true,
    () => false,
  )
}

async function removeBelow(cgroup: string): Promise<void> {
  for (const child of await subfolders(cgroup)) await removeBelow(child)
  await rmdir(cgroup).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'EBUSY') throw error
  })
}

async function subfolders(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name))
}
