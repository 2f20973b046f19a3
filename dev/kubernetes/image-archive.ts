import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../lib/command.ts'
import type { Run } from '../lib/run.ts'

/** A small image of one layer. */
export interface ImageSource {
  readonly name: string
  /** Folder that becomes the file system. */
  readonly root: string
  readonly entrypoint: readonly string[]
  /** The file to write, in the form of `docker save`. */
  readonly archive: string
}

/** Writes an image archive without any image tool, the same bytes for the same input. */
export async function writeImage(source: ImageSource, { signal }: Run): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'penstock-image-'))
  const tar = (folder: string, archive: string, files: readonly string[]) =>
    run(
      ['tar', '-C', folder, '--sort=name', '--owner=0', '--group=0', '--mtime=@0', '-cf', archive, ...files],
      {
        withinMs: 120_000,
        signal,
      },
    )
  try {
    await tar(source.root, join(work, 'layer.tar'), ['.'])
    const config = imageConfig(source.entrypoint, sha256(await readFile(join(work, 'layer.tar'))))
    const configName = `${sha256(config)}.json`
    const manifest = [{ Config: configName, RepoTags: [source.name], Layers: ['layer.tar'] }]
    await writeFile(join(work, configName), config)
    await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest))
    await tar(work, source.archive, ['layer.tar', configName, 'manifest.json'])
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function imageConfig(entrypoint: readonly string[], layer: string): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const config = { Entrypoint: entrypoint, Env: ['PATH=/usr/local/bin:/usr/bin:/bin'] }
  return JSON.stringify({
    architecture,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  })
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
