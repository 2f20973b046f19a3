import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from '../lib/cache.ts'
import { hashOf } from '../lib/files.ts'
import { goBuild } from '../lib/go.ts'
import type { Run } from '../lib/run.ts'
import { writeImage } from './image-archive.ts'

const SOURCES = import.meta.dirname

/** Folder with `hyperkube` (every Kubernetes component in one binary) and `kubectl`; compiled for minutes the first time. */
export async function hyperkubeFolder(context: Run): Promise<string> {
  const source = join(SOURCES, 'hyperkube')
  const version = /k8s\.io\/kubernetes (v[0-9.]+)/.exec(await readFile(join(source, 'go.mod'), 'utf8'))?.[1]
  if (version === undefined) throw new Error(`${source}/go.mod names no version of k8s.io/kubernetes`)
  const make = async (folder: string, making: Run) => {
    await goBuild(source, join(folder, 'hyperkube'), versionFlags(version), making)
    await symlink('hyperkube', join(folder, 'kubectl'))
  }
  const key = `kubernetes-${version}-${await hashOf([source])}`
  return cached(
    { key, what: `Kubernetes ${version} (6 to 12 minutes when nothing is compiled yet)`, make },
    context,
  )
}

/** The path of the `coredns` binary. */
export async function corednsBinary(context: Run): Promise<string> {
  const source = join(SOURCES, 'coredns')
  const make = (folder: string, making: Run) => goBuild(source, join(folder, 'coredns'), '', making)
  return join(
    await cached({ key: `coredns-${await hashOf([source])}`, what: 'CoreDNS', make }, context),
    'coredns',
  )
}

/** The name of the image that holds each pod's namespaces, a binary that does so, and the image's archive. */
export async function pauseImage(
  context: Run,
): Promise<{ readonly name: string; readonly binary: string; readonly archive: string }> {
  const source = join(SOURCES, 'pause')
  const name = 'localhost/pause:1'
  const make = async (folder: string, making: Run) => {
    const root = join(folder, 'root')
    await mkdir(root)
    await goBuild(source, join(root, 'pause'), '', making)
    await writeImage({ name, root, entrypoint: ['/pause'], archive: join(folder, 'pause.tar') }, making)
  }
  const folder = await cached(
    { key: `pause-${await hashOf([source])}`, what: 'the pause image', make },
    context,
  )
  return { name, binary: join(folder, 'root', 'pause'), archive: join(folder, 'pause.tar') }
}

function versionFlags(version: string): string {
  const minor = version.split('.')[1] ?? ''
  const values = {
    gitVersion: version,
    gitMajor: '1',
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: 'none',
  }
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((path) => Object.entries(values).map(([name, value]) => ` -X ${path}.${name}=${value}`))
    .join('')
}
