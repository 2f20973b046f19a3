import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Image } from './image.ts'
import type { Cluster, ClusterProvider, CommandLine } from './kubernetes/cluster.ts'
import { enterCommand, readEntry } from './kubernetes/sandbox/enter.ts'
import type { Run } from './lib/run.ts'

/** Makes a cluster, runs a command in it, deletes it, and returns the command's exit status. */
export async function runInCluster(
  provider: ClusterProvider,
  command: CommandLine,
  options: Run & {
    readonly dir: string
    readonly images: readonly string[]
    readonly product: Image | undefined
  },
): Promise<number> {
  const { product, ...rest } = options
  const images = product ? [...options.images, product.archive] : options.images
  const cluster = await provider.create({ ...rest, images })
  try {
    return await runHere(cluster.enter(command), environmentOf(cluster, product))
  } finally {
    await cluster.delete()
  }
}

/** Runs a command in the sandbox whose files are in `dir` and returns its exit status; throws when none runs there. */
export async function runInSandbox(dir: string, command: CommandLine): Promise<number> {
  return runHere(enterCommand(await readEntry(dir), command), {})
}

function environmentOf(cluster: Cluster, product: Image | undefined): Readonly<Record<string, string>> {
  return { PENSTOCK_HOST_NAME: cluster.hostName, ...(product ? { PENSTOCK_IMAGE: product.name } : {}) }
}

// Without a signal of ours: the terminal's Ctrl-C goes to the command too, and its end is what counts.
async function runHere([file, ...args]: CommandLine, env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
