import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from '../../lib/command.ts'
import { createServer, type Server } from '../../lib/server.ts'
import { component, managerFlags } from '../control-plane.ts'
import { kubeconfigOf, NODE_NAME } from '../pki.ts'
import { NODE_ADDRESS, PORTS } from './addresses.ts'
import { containerdConfig, dnsConfig, kubeletConfig, networkConfig, proxyConfig } from './config.ts'

/** What a node is made of. */
export interface NodeParts {
  readonly dir: string
  readonly hyperkube: string
  readonly coredns: string
  readonly pauseImage: string
}

/** The servers of a node, beside the control plane. */
export interface NodeServers {
  readonly containerd: Server
  readonly scheduler: Server
  readonly kubelet: Server
  readonly proxy: Server
  readonly dns: Server
}

/** The servers of the one node, their configuration written; not started yet. */
export async function createNodeServers(parts: NodeParts): Promise<NodeServers> {
  const { dir } = parts
  const pki = join(dir, 'pki')
  const file = (name: string) => join(dir, name)
  const json = (name: string, value: object) => writeFile(file(name), JSON.stringify(value, undefined, 2))
  await mkdir(file('cni'), { recursive: true })
  await Promise.all([
    writeFile(file('containerd.toml'), containerdConfig(dir, parts.pauseImage)),
    writeFile(file('Corefile'), dnsConfig(kubeconfigOf(pki, 'admin'))),
    writeFile(file('no-resolv.conf'), ''),
    json('kubelet.json', kubeletConfig(dir)),
    json('proxy.json', proxyConfig(kubeconfigOf(pki, 'proxy'))),
    json('cni/penstock.conflist', networkConfig()),
  ])
  return {
    containerd: plain(dir, 'containerd', ['containerd', '--config', file('containerd.toml')], (signal) =>
      succeeds(['ctr', 'version'], signal),
    ),
    scheduler: component(
      parts,
      'kube-scheduler',
      managerFlags(dir, 'scheduler', PORTS.scheduler),
      async () => true,
    ),
    kubelet: kubelet(parts),
    proxy: component(
      parts,
      'kube-proxy',
      [`--config=${file('proxy.json')}`],
      async (_log, signal) => (await fetch('http://127.0.0.1:10256/healthz', { signal })).ok,
    ),
    dns: plain(
      dir,
      'coredns',
      [parts.coredns, '-conf', file('Corefile')],
      async (signal) => (await fetch('http://127.0.0.1:8182/ready', { signal })).ok,
    ),
  }
}

function kubelet(parts: NodeParts): Server {
  const { dir } = parts
  const flags = [
    `--config=${join(dir, 'kubelet.json')}`,
    `--kubeconfig=${kubeconfigOf(join(dir, 'pki'), 'node')}`,
    `--root-dir=${join(dir, 'kubelet')}`,
    `--cert-dir=${join(dir, 'kubelet', 'pki')}`,
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${NODE_ADDRESS}`,
  ]
  const kubeconfig = `--kubeconfig=${kubeconfigOf(join(dir, 'pki'), 'admin')}`
  const condition = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
  return component(parts, 'kubelet', flags, async (_log, signal) => {
    const get = [parts.hyperkube, 'kubectl', kubeconfig, 'get', 'node', NODE_NAME, '-o', condition] as const
    return (await run(get, { withinMs: 10_000, signal })) === 'True'
  })
}

function plain(
  dir: string,
  name: string,
  command: readonly [string, ...string[]],
  probe: (signal: AbortSignal) => Promise<boolean>,
): Server {
  return createServer({
    name,
    command,
    cwd: dir,
    log: join(dir, 'log', `${name}.log`),
    ready: { withinMs: 60_000, probe: (_log, signal) => probe(signal) },
    stop: { signal: 'SIGKILL', withinMs: 10_000 },
  })
}
