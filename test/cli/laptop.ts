import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { API_VERSION } from '../../src/api/crd/definition.ts'
import { backboneSpec, sourceSpec } from '../operator/objects.ts'
import type { World } from '../operator/world.ts'

const MAIN = fileURLToPath(new URL('../../src/main/index.ts', import.meta.url))

/** How a command ended. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A laptop: a folder with a file, and no cluster unless one is named. */
export interface Laptop {
  /** YAML of an object in the world's namespace. */
  object(kind: string, name: string, rest: object): string
  secret(password?: string): string
  backbone(): string
  source(tables: readonly string[], more?: object): string
  /** The path of a file with these documents. */
  write(documents: readonly string[]): Promise<string>
  /** Runs a command on a file of these documents, without a cluster. */
  run(command: string, documents: readonly string[], ...flags: readonly string[]): Promise<Ended>
  penstock(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended>
  close(): Promise<void>
}

/** A laptop that reaches the world's servers. */
export async function createLaptop(world: World): Promise<Laptop> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-cli-'))
  const laptop: Laptop = {
    object: (kind, name, rest) =>
      stringify({
        apiVersion: kind === 'Secret' ? 'v1' : API_VERSION,
        kind,
        metadata: { name, namespace: world.namespace },
        ...rest,
      }),
    secret: (password = world.password) =>
      laptop.object('Secret', 'db', { stringData: { username: world.role, password } }),
    backbone: () => laptop.object('Backbone', 'main', { spec: backboneSpec() }),
    source: (tables, more = {}) => {
      const spec = sourceSpec(
        world,
        tables.map((name) => ({ name })),
        more,
      )
      return laptop.object('Source', 'shop', { spec })
    },
    write: async (documents) => {
      const file = join(folder, 'source.yaml')
      await writeFile(file, documents.join('---\n'))
      return file
    },
    run: async (command, documents, ...flags) =>
      laptop.penstock([command, '-f', await laptop.write(documents), ...flags]),
    penstock: (args, env = { KUBECONFIG: join(folder, 'none') }) =>
      new Promise((resolve) => {
        const options = { env: { PATH: process.env['PATH'], HOME: folder, ...env }, timeout: 60_000 }
        execFile(process.execPath, [MAIN, ...args], options, (error, out, err) =>
          resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
        )
      }),
    close: () => rm(folder, { recursive: true, force: true }),
  }
  return laptop
}
