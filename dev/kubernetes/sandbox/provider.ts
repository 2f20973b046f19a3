import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { exists } from '../../lib/cache.ts'
import { run } from '../../lib/command.ts'
import { lastLines, writeAtomically } from '../../lib/files.ts'
import { type Lock, waitForLock } from '../../lib/lock.ts'
import { commandFrom, ensureInstalled } from '../../lib/packages.ts'
import { childrenOf } from '../../lib/processes.ts'
import type { Run } from '../../lib/run.ts'
import { corednsBinary, hyperkubeFolder, pauseImage } from '../binaries.ts'
import type { Cluster, ClusterProvider, TunnelTarget } from '../cluster.ts'
import { helmFolder } from '../helm.ts'
import { kubeconfigOf, NODE_NAME } from '../pki.ts'
import { HOST_NAME, NODE_ADDRESS } from './addresses.ts'
import { removePodCgroups } from './cgroups.ts'
import { enterCommand, sandboxState } from './enter.ts'
import type { InsideOptions, Message } from './inside.ts'
import { openTunnel } from './tunnel.ts'

// Pods of two nodes would be in the same cgroup, and each kubelet removes those that it does not know.
const MACHINE_LOCK = '/var/lock/penstock-sandbox.lock'
const NEEDED = [
  commandFrom('containerd'),
  commandFrom('runc'),
  { package: 'containernetworking-plugins', isPresent: () => exists('/usr/lib/cni/bridge') },
  commandFrom('iptables'),
  commandFrom('conntrack'),
  commandFrom('ip', 'iproute2'),
]

/**
 * A whole node in namespaces of its own: it needs root and no Docker, there can be one at a time on a machine, it has
 * no way out, and it is gone with the process that made it.
 */
export const sandbox: ClusterProvider = { name: 'sandbox', create: createSandbox }

async function createSandbox(
  options: Run & { readonly dir: string; readonly images?: readonly string[] },
): Promise<Cluster> {
  if (process.getuid?.() !== 0)
    throw new Error('the sandbox needs root: run as root, or use the provider "kind"')
  const dir = resolve(options.dir)
  const parts = await prepareParts(dir, options)
  const lock = await waitForLock(MACHINE_LOCK, `the sandbox in ${dir}`, 15 * 60_000, options)
  try {
    return await startSandbox(parts, options, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

interface Parts extends InsideOptions {
  readonly path: readonly string[]
  readonly pause: string
}

async function prepareParts(
  dir: string,
  options: Run & { readonly images?: readonly string[] },
): Promise<Parts> {
  await ensureInstalled(NEEDED, options)
  const bin = await hyperkubeFolder(options)
  const coredns = await corednsBinary(options)
  const pause = await pauseImage(options)
  const helm = await helmFolder(options)
  return {
    dir,
    path: [bin, helm],
    hyperkube: join(bin, 'hyperkube'),
    coredns,
    pause: pause.binary,
    pauseImage: pause.name,
    images: [pause.archive, ...(options.images ?? [])],
    tunnelSocket: join(dir, 'tunnel.sock'),
    controlSocket: join(dir, 'control.sock'),
  }
}

async function startSandbox(parts: Parts, context: Run, lock: Lock): Promise<Cluster> {
  const start = Date.now()
  await removePodCgroups(context.signal)
  await rm(parts.dir, { recursive: true, force: true })
  for (const name of ['log/pods', 'log/containers']) await mkdir(join(parts.dir, name), { recursive: true })
  const holder = spawnNamespaces(parts)
  const end = async () => {
    if (holder.exitCode === null && holder.signalCode === null) {
      holder.ref()
      holder.kill('SIGKILL')
      await once(holder, 'exit')
    }
    await removePodCgroups(AbortSignal.timeout(15_000))
    await rm(sandboxState(parts.dir), { force: true })
    await lock.release()
  }
  try {
    await untilReady(holder, parts.dir, context)
    const firstProcess = await firstProcessOf(holder)
    const kubeconfig = kubeconfigOf(join(parts.dir, 'pki'), 'admin')
    const entry = { firstProcess, kubeconfig, path: parts.path }
    await writeAtomically(sandboxState(parts.dir), JSON.stringify(entry))
    holder.stdout?.destroy()
    holder.unref()
    context.progress(`the cluster is ready after ${((Date.now() - start) / 1_000).toFixed(1)} s`)
    return {
      kubeconfig,
      hostName: HOST_NAME,
      enter: (command) => enterCommand(entry, command),
      loadImage: async (archive, signal) => {
        const command = ['ctr', '-n', 'k8s.io', 'images', 'import', resolve(archive)] as const
        await run([...enterCommand(entry, command)], { withinMs: 120_000, signal })
      },
      openTunnel: (target, signal) => {
        const { host, port } = addressOf(target)
        return openTunnel(parts.tunnelSocket, host, port, signal)
      },
      delete: end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

function addressOf(target: TunnelTarget): { readonly host: string; readonly port: number } {
  if (target.kind === 'Host') return { host: '127.0.0.1', port: target.port }
  return { host: `${target.name}.${target.namespace}.svc.cluster.local`, port: target.port }
}

function spawnNamespaces(parts: Parts): ChildProcess {
  const here = import.meta.dirname
  const world = [parts.dir, parts.pause, NODE_NAME, NODE_ADDRESS, HOST_NAME]
  const inside = [process.execPath, join(here, 'inside.ts'), JSON.stringify(parts satisfies InsideOptions)]
  const namespaces = ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--kill-child', '--mount-proc']
  const script = ['sh', join(here, 'first-process.sh'), ...world, ...inside]
  // When this process ends, however it does, so does unshare, with it the first process, and with that all others.
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'unshare', ...namespaces, ...script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    detached: true,
  })
}

async function untilReady(holder: ChildProcess, dir: string, { progress, signal }: Run): Promise<void> {
  if (!holder.stdout) throw new Error('the sandbox has no output')
  for await (const line of createInterface({ input: holder.stdout, signal })) {
    const message = JSON.parse(line) as Message
    if (message.kind === 'ready') return
    if (message.kind === 'failed') throw new Error(message.reason)
    progress(message.text)
  }
  signal.throwIfAborted()
  throw new Error(
    `the sandbox ended while it started; ${await lastLines(join(dir, 'log', 'kubelet.log'), 20)}`,
  )
}

async function firstProcessOf(holder: ChildProcess): Promise<number> {
  const [first] = holder.pid === undefined ? [] : await childrenOf(holder.pid)
  if (first === undefined) throw new Error('the sandbox has no first process')
  return first
}
