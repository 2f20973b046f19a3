import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../lib/command.ts'
import { commandFrom, ensureInstalled } from '../lib/packages.ts'
import type { Run } from '../lib/run.ts'

/** The name of the one node. */
export const NODE_NAME = 'node1'

const CLIENTS = {
  admin: '/O=system:masters/CN=admin',
  'controller-manager': '/CN=system:kube-controller-manager',
  scheduler: '/CN=system:kube-scheduler',
  proxy: '/CN=system:kube-proxy',
  node: `/O=system:nodes/CN=system:node:${NODE_NAME}`,
} as const

/** Who has a kubeconfig. */
export type Client = keyof typeof CLIENTS

/** The path of a client's kubeconfig in a folder of keys. */
export function kubeconfigOf(pki: string, client: Client): string {
  return join(pki, `${client}.kubeconfig`)
}

/** Makes the authority, certificates and kubeconfigs of a cluster in `folder`; all of them name `server` as its URL. */
export async function makeKeys(
  folder: string,
  server: string,
  addresses: readonly string[],
  context: Run,
): Promise<void> {
  await ensureInstalled([commandFrom('openssl')], context)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const openssl = (...args: string[]) =>
    run(['openssl', ...args], { cwd: folder, withinMs: 30_000, signal: context.signal })
  const issue = (name: string, subject: string, ...extra: string[]) =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '3650',
      '-subj',
      subject,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      ...extra,
    )
  await issue('ca', '/CN=penstock-dev', '-addext', 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature')
  const certify = (name: string, subject: string, usage: string, ...extra: string[]) =>
    issue(
      name,
      subject,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
      '-addext',
      'keyUsage=critical,digitalSignature,keyEncipherment',
      '-addext',
      `extendedKeyUsage=${usage}`,
      ...extra,
    )
  await Promise.all([
    certify(
      'apiserver',
      '/CN=kube-apiserver',
      'serverAuth',
      '-addext',
      `subjectAltName=${namesOf(addresses)}`,
    ),
    certify('kubelet-client', '/O=system:masters/CN=kube-apiserver-kubelet-client', 'clientAuth'),
    certify('front-proxy', '/CN=front-proxy-client', 'clientAuth'),
    ...Object.entries(CLIENTS).map(([name, subject]) => certify(name, subject, 'clientAuth')),
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'sa.key'),
  ])
  await openssl('ec', '-in', 'sa.key', '-pubout', '-out', 'sa.pub')
  await Promise.all(Object.keys(CLIENTS).map((name) => writeKubeconfig(folder, name as Client, server)))
}

function namesOf(addresses: readonly string[]): string {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ]
  return ['localhost', ...service]
    .map((name) => `DNS:${name}`)
    .concat(['127.0.0.1', ...addresses].map((address) => `IP:${address}`))
    .join(',')
}

async function writeKubeconfig(folder: string, client: Client, server: string): Promise<void> {
  const base64 = async (file: string) => (await readFile(join(folder, file))).toString('base64')
  const user = {
    'client-certificate-data': await base64(`${client}.crt`),
    'client-key-data': await base64(`${client}.key`),
  }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'penstock',
    clusters: [
      { name: 'penstock', cluster: { server, 'certificate-authority-data': await base64('ca.crt') } },
    ],
    users: [{ name: client, user }],
    contexts: [{ name: 'penstock', context: { cluster: 'penstock', user: client } }],
  }
  // JSON is YAML.
  await writeFile(kubeconfigOf(folder, client), `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
}
