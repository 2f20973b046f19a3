import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'penstock-test-'
const LONGEST_RUN_MS = 6 * 3_600_000

/** A temporary folder for the servers of a test, to which every system user can get. */
export async function testFolder(): Promise<string> {
  await removeAbandoned()
  const dir = await mkdtemp(join(tmpdir(), PREFIX))
  // The database's own user must get to its folder.
  await chmod(dir, 0o755)
  return dir
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
