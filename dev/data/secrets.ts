import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../lib/files.ts'

/** Writes the keys of a Kubernetes Secret where a worker's `${directory:…}` reference reads them. */
export async function writeSecret(
  stack: { readonly secretsDir: string },
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const folder = join(stack.secretsDir, namespace, name)
  for (const [key, value] of Object.entries(data)) await writeAtomically(join(folder, key), value, 0o600)
}

/** Removes what `writeSecret` wrote. */
export async function removeSecret(
  stack: { readonly secretsDir: string },
  namespace: string,
  name: string,
): Promise<void> {
  await rm(join(stack.secretsDir, namespace, name), { recursive: true, force: true })
}
