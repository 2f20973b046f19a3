import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RemoteServer, remoteServer, serveControl } from './control.ts'
import { type DataAddresses, type DataStack, type DataStackOptions, startDataStack } from './data/stack.ts'
import { type ApiServer, startApiServer } from './kubernetes/api-server.ts'
import type { Run } from './lib/run.ts'
import { terminalProgress } from './lib/run.ts'
import type { Server } from './lib/server.ts'

const CONTROL_SOCKET = 'control.sock'

/** The servers that tests share, by name. */
export const SERVER_NAMES = [
  'broker',
  'connect',
  'database',
  'etcd',
  'apiserver',
  'controllerManager',
] as const

/** Name of a server that tests share. */
export type ServerName = (typeof SERVER_NAMES)[number]

/** Where tests reach the shared servers: plain data, fit for vitest's `provide`. */
export interface TestAddresses extends DataAddresses {
  readonly kubernetesUrl: string
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string
  readonly kubectl: string
  /** The socket by which another thread or process stops and starts the servers. */
  readonly controlSocket: string
}

/** One data stack and one Kubernetes API for a whole test run. */
export interface TestBed {
  readonly addresses: TestAddresses
  /** Ends the servers and removes their data. */
  stop(): Promise<void>
}

/** Starts the servers that a test run shares, in a temporary folder (6 s); throws when one is not ready in time. */
export async function startTestBed(
  options: Run & { readonly data?: Partial<Omit<DataStackOptions, keyof Run | 'dir'>> },
): Promise<TestBed> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-test-'))
  const context = { progress: options.progress, signal: options.signal }
  const [data, api] = await Promise.allSettled([
    startDataStack({ dir: join(dir, 'data'), ...options.data, ...context }),
    startApiServer({ dir: join(dir, 'api'), ...context }),
  ])
  const stopServers = async () => {
    await Promise.all([
      data.status === 'fulfilled' ? data.value.discard() : undefined,
      api.status === 'fulfilled' ? api.value.stop() : undefined,
    ])
    await rm(dir, { recursive: true, force: true })
  }
  if (data.status === 'rejected' || api.status === 'rejected') {
    await stopServers()
    throw data.status === 'rejected' ? data.reason : (api as PromiseRejectedResult).reason
  }
  const controlSocket = join(dir, CONTROL_SOCKET)
  const control = await serveControl(controlSocket, serversOf(data.value, api.value))
  return {
    addresses: addressesOf(data.value, api.value, controlSocket),
    stop: async () => {
      await control.close()
      await stopServers()
    },
  }
}

/** A test run's handle on one of the shared servers, to kill it and start it again from a test. */
export function sharedServer(addresses: TestAddresses, name: ServerName): RemoteServer {
  return remoteServer(addresses.controlSocket, name)
}

/** A vitest global set-up: starts a test bed, provides its addresses as `testBed`, and returns the tear-down. */
export async function setUpTestBed(project: {
  provide(key: 'testBed', value: TestAddresses): void
}): Promise<() => Promise<void>> {
  const bed = await startTestBed({ progress: terminalProgress(), signal: AbortSignal.timeout(45 * 60_000) })
  project.provide('testBed', bed.addresses)
  return bed.stop
}

function serversOf(data: DataStack, api: ApiServer): Readonly<Record<ServerName, Server>> {
  const { broker, connect, database } = data
  const { etcd, apiserver, controllerManager } = api
  return { broker, connect, database, etcd, apiserver, controllerManager }
}

function addressesOf(data: DataStack, api: ApiServer, controlSocket: string): TestAddresses {
  const { bootstrapServers, connectUrl, secretsDir, postgres } = data
  const { url: kubernetesUrl, kubeconfig, kubectl } = api
  return {
    bootstrapServers,
    connectUrl,
    secretsDir,
    postgres,
    kubernetesUrl,
    kubeconfig,
    kubectl,
    controlSocket,
  }
}
