import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { run } from '../lib/command.ts'
import { commandFrom, ensureInstalled } from '../lib/packages.ts'
import type { Run } from '../lib/run.ts'
import type { Cluster, ClusterProvider, Tunnel } from './cluster.ts'

const NAME = 'penstock'
const IMAGE = 'kindest/node:v1.34.0'

/** A cluster made by kind in Docker. Untested: the machines that this was made on have no Docker. */
export const kind: ClusterProvider = { name: 'kind', create: createKind }

async function createKind(
  options: Run & { readonly dir: string; readonly images?: readonly string[] },
): Promise<Cluster> {
  const { signal, progress } = options
  await ensureInstalled(
    ['kind', 'docker', 'kubectl', 'helm'].map((name) => commandFrom(name)),
    options,
  )
  await mkdir(options.dir, { recursive: true })
  const kubeconfig = join(resolve(options.dir), 'kubeconfig')
  progress('making a kind cluster')
  await run(
    [
      'kind',
      'create',
      'cluster',
      '--name',
      NAME,
      '--image',
      IMAGE,
      '--kubeconfig',
      kubeconfig,
      '--wait',
      '120s',
    ],
    {
      withinMs: 600_000,
      signal,
    },
  )
  const gateway = [
    'docker',
    'network',
    'inspect',
    'kind',
    '-f',
    '{{range .IPAM.Config}}{{println .Gateway}}{{end}}',
  ] as const
  const addresses = (await run(gateway, { withinMs: 10_000, signal })).split('\n')
  const hostName = addresses.find((address) => /^[0-9.]+$/.test(address))
  if (hostName === undefined) throw new Error('the Docker network "kind" has no IPv4 gateway')
  const loadImage = async (archive: string, loading: AbortSignal) => {
    await run(['kind', 'load', 'image-archive', archive, '--name', NAME], {
      withinMs: 300_000,
      signal: loading,
    })
  }
  for (const image of options.images ?? []) await loadImage(image, signal)
  return {
    kubeconfig,
    hostName,
    enter: (command) => ['env', `KUBECONFIG=${kubeconfig}`, ...command],
    loadImage,
    openTunnel: (target, opening) =>
      target.kind === 'Host'
        ? Promise.resolve({ port: target.port, close: async () => undefined })
        : forwardPort(kubeconfig, target, opening),
    delete: async () => {
      const command = ['kind', 'delete', 'cluster', '--name', NAME, '--kubeconfig', kubeconfig] as const
      await run(command, { withinMs: 120_000, signal: AbortSignal.timeout(120_000) })
    },
  }
}

async function forwardPort(
  kubeconfig: string,
  target: { readonly namespace: string; readonly name: string; readonly port: number },
  signal: AbortSignal,
): Promise<Tunnel> {
  const args = ['port-forward', '-n', target.namespace, `service/${target.name}`, `:${target.port}`]
  const command = ['--pdeathsig', 'KILL', '--', 'kubectl', `--kubeconfig=${kubeconfig}`, ...args]
  const child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  const limit = AbortSignal.any([signal, AbortSignal.timeout(20_000)])
  const [line] = (await once(createInterface({ input: child.stdout }), 'line', { signal: limit })) as [string]
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1])
  if (!port) throw new Error(`kubectl port-forward said "${line}"`)
  const close = async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { port, close }
}
