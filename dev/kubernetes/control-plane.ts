import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { succeeds } from '../lib/command.ts'
import { createServer, type Server, type ServerSpec } from '../lib/server.ts'
import { type Client, kubeconfigOf } from './pki.ts'

/** Where a control plane keeps its files and listens. */
export interface ControlPlaneOptions {
  /** Folder with the keys in `pki`; data and logs are written beside it. */
  readonly dir: string
  readonly hyperkube: string
  readonly bindAddress: string
  readonly advertiseAddress: string
  readonly ports: {
    readonly api: number
    readonly etcd: number
    readonly etcdPeer: number
    readonly controllers: number
  }
}

/** The servers of a control plane, in the order in which they are started. */
export interface ControlPlane {
  readonly etcd: Server
  readonly apiserver: Server
  readonly controllerManager: Server
}

/** A control plane without a scheduler; not started yet. */
export async function createControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  await mkdir(options.dir, { recursive: true })
  return { etcd: etcd(options), apiserver: apiserver(options), controllerManager: controllerManager(options) }
}

/** How a Kubernetes component is run as a server; by force at the end, because a polite API server takes 15 s to go. */
export function component(
  options: { readonly dir: string; readonly hyperkube: string },
  name: string,
  flags: readonly string[],
  probe: ServerSpec['ready']['probe'],
): Server {
  return createServer({
    name,
    command: [options.hyperkube, name, ...flags],
    cwd: options.dir,
    log: join(options.dir, 'log', `${name}.log`),
    ready: { withinMs: 90_000, probe },
    stop: { signal: 'SIGKILL', withinMs: 10_000 },
  })
}

/** The flags by which a controller or scheduler acts as `client`, alone, and as fast as it can. */
export function managerFlags(dir: string, client: Client, port: number): readonly string[] {
  const kubeconfig = kubeconfigOf(join(dir, 'pki'), client)
  return [
    ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
      (flag) => `--${flag}=${kubeconfig}`,
    ),
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--leader-elect=false',
    // At the default rate, one controller starts every 150 ms, and the default service account is there after 5 s.
    '--kube-api-qps=1000',
    '--kube-api-burst=1000',
  ]
}

function etcd(options: ControlPlaneOptions): Server {
  const { ports, dir } = options
  const client = `http://127.0.0.1:${ports.etcd}`
  const peer = `http://127.0.0.1:${ports.etcdPeer}`
  const flags = [
    '--name=penstock',
    `--data-dir=${join(dir, 'etcd')}`,
    // Nothing here must survive the machine, only the process.
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=penstock=${peer}`,
    '--quota-backend-bytes=2147483648',
  ]
  return component(
    options,
    'etcd',
    flags,
    async (_log, signal) => (await fetch(`${client}/health`, { signal })).ok,
  )
}

function apiserver(options: ControlPlaneOptions): Server {
  const { ports, dir, hyperkube } = options
  const pki = (file: string) => join(dir, 'pki', file)
  const flags = [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--bind-address=${options.bindAddress}`,
    `--advertise-address=${options.advertiseAddress}`,
    `--secure-port=${ports.api}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=Node,RBAC',
    '--allow-privileged',
    `--client-ca-file=${pki('ca.crt')}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--kubelet-client-certificate=${pki('kubelet-client.crt')}`,
    `--kubelet-client-key=${pki('kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('sa.pub')}`,
    `--service-account-signing-key-file=${pki('sa.key')}`,
    `--requestheader-client-ca-file=${pki('ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pki('front-proxy.crt')}`,
    `--proxy-client-key-file=${pki('front-proxy.key')}`,
    '--enable-admission-plugins=NodeRestriction',
    '--profiling=false',
  ]
  const kubeconfig = `--kubeconfig=${kubeconfigOf(join(dir, 'pki'), 'admin')}`
  const ready = [hyperkube, 'kubectl', kubeconfig, '--request-timeout=2s', 'get', '--raw=/readyz'] as const
  return component(options, 'kube-apiserver', flags, (_log, signal) => succeeds(ready, signal))
}

function controllerManager(options: ControlPlaneOptions): Server {
  const pki = (file: string) => join(options.dir, 'pki', file)
  const flags = [
    ...managerFlags(options.dir, 'controller-manager', options.ports.controllers),
    '--use-service-account-credentials',
    `--service-account-private-key-file=${pki('sa.key')}`,
    `--root-ca-file=${pki('ca.crt')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--cluster-signing-cert-file=${pki('ca.crt')}`,
    `--cluster-signing-key-file=${pki('ca.key')}`,
    '--node-monitor-grace-period=50s',
  ]
  const kubeconfig = `--kubeconfig=${kubeconfigOf(join(options.dir, 'pki'), 'admin')}`
  const account = [options.hyperkube, 'kubectl', kubeconfig, 'get', 'serviceaccount', 'default'] as const
  // Its own health comes long before its controllers work: the first account tells.
  return component(options, 'kube-controller-manager', flags, (_log, signal) => succeeds(account, signal))
}
