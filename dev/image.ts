import { copyFile, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { bundle } from './bundle.ts'
import { cached, cacheFolder, exists } from './lib/cache.ts'
import { run } from './lib/command.ts'
import { hashOf } from './lib/files.ts'
import { commandFrom, ensureInstalled } from './lib/packages.ts'
import type { Run } from './lib/run.ts'

const ROOT = resolve(import.meta.dirname, '..')
const DOCKERFILE = join(ROOT, 'Dockerfile')
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

/** The name of the image that is built from this tree. */
export const IMAGE = 'localhost/penstock:dev'

/** An image as a file. */
export interface Image {
  readonly name: string
  /** The path of an archive in the form of `docker save`. */
  readonly archive: string
}

/** The product's image, built by its Dockerfile unless the same bundle was built before; needs root, no Docker. */
export async function productImage(context: Run): Promise<Image> {
  // Inside the tree, so that the source map's paths, and with them the checksum, are the same in every checkout.
  await mkdir(join(ROOT, 'dist'), { recursive: true })
  const bundled = await mkdtemp(join(ROOT, 'dist', 'bundle-'))
  try {
    await bundle(bundled, context.signal)
    const base = await nodeImage(context)
    const key = `image-${await hashOf([bundled, DOCKERFILE])}`
    const make = (folder: string, making: Run) => buildImage(bundled, base, folder, making)
    const folder = await cached({ key, what: `the image ${IMAGE}`, make }, context)
    await removeOlder(cacheFolder(), key)
    return { name: IMAGE, archive: join(folder, 'image.tar') }
  } finally {
    await rm(bundled, { recursive: true, force: true })
  }
}

async function buildImage(bundled: string, base: string, folder: string, context: Run): Promise<void> {
  // A name of its own, so that two builds at once do not push each other's image.
  const built = `localhost/penstock-build:${process.pid}`
  await buildah(['bud', '--build-arg', `NODE_IMAGE=${base}`, '-t', built, '-f', DOCKERFILE, bundled], context)
  await buildah(['push', built, `docker-archive:${join(folder, 'image.tar')}:${IMAGE}`], context)
  await buildah(['rmi', built], context)
}

// Each change of the sources makes an archive of 130 MB. One of the last hour may be in another run's use.
async function removeOlder(cache: string, current: string): Promise<void> {
  const others = (await readdir(cache)).filter((name) => /^image-[0-9a-f]+$/.test(name) && name !== current)
  for (const path of others.map((name) => join(cache, name))) {
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true })
  }
}

// The name of an image with this very Node and the libraries that it is linked to, made where images cannot be pulled.
async function nodeImage(context: Run): Promise<string> {
  const name = `localhost/penstock-node:${process.versions.node}`
  await requireBuildah(context)
  const known = await buildah(['images', '--quiet', '--filter', `reference=${name}`], context)
  if (known.trim() !== '') return name
  context.progress(`making the base image with Node ${process.versions.node}`)
  const work = await mkdtemp(join(tmpdir(), 'penstock-node-'))
  try {
    await makeRoot(join(work, 'root'), context.signal)
    const path = 'ENV PATH=/usr/local/bin:/usr/bin:/bin'
    await writeFile(join(work, 'Containerfile'), `FROM scratch\nCOPY root/ /\n${path}\n`)
    await buildah(['bud', '-t', name, '-f', join(work, 'Containerfile'), work], context)
    return name
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function makeRoot(root: string, signal: AbortSignal): Promise<void> {
  const put = async (source: string, target: string) => {
    await mkdir(dirname(join(root, target)), { recursive: true })
    await copyFile(source, join(root, target))
  }
  for (const folder of ['tmp', 'proc', 'sys', 'dev', 'run', 'etc'])
    await mkdir(join(root, folder), { recursive: true })
  const node = await realpath(process.execPath)
  await put(node, 'usr/local/bin/node')
  const linked = await run(['ldd', node], { withinMs: 10_000, signal })
  for (const [library] of new Set(linked.matchAll(/\/\S+/g))) await put(await realpath(library), library)
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/:/sbin/nologin\nnode:x:1000:1000:node:/tmp:/sbin/nologin\n',
  )
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnode:x:1000:\n')
  await writeFile(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n')
  if (await exists(CERTIFICATES)) await put(CERTIFICATES, CERTIFICATES)
  await run(['chmod', '1777', join(root, 'tmp')], { withinMs: 10_000, signal })
}

async function requireBuildah(context: Run): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('building the image without Docker needs root')
  await ensureInstalled([commandFrom('buildah')], context)
}

// With chroot isolation and a storage of its own it needs no daemon, no namespaces and no set-up of the machine.
async function buildah(args: readonly string[], { signal }: Run): Promise<string> {
  const [command = '', ...rest] = args
  const storage = join(cacheFolder(), 'buildah')
  const where = [
    '--root',
    storage,
    '--runroot',
    join(tmpdir(), 'penstock-buildah'),
    '--storage-driver',
    'overlay',
  ]
  const how = command === 'bud' ? ['--isolation', 'chroot'] : []
  return run(['buildah', ...where, command, ...how, ...rest], { withinMs: 300_000, signal })
}
