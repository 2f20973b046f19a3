import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { serveControl } from './control.ts'
import { type DataAddresses, type DataStack, type DataStackOptions, startDataStack } from './data/stack.ts'
import { type ApiServer, startApiServer } from './kubernetes/api-server.ts'
import type { Run } from './lib/run.ts'
import type { Server } from './lib/server.ts'

/** The servers of a bed, by name. */
export const SERVER_NAMES = [
  'broker',
  'connect',
  'database',
  'etcd',
  'apiserver',
  'controllerManager',
] as const

/** Name of a server of a bed. */
export type ServerName = (typeof SERVER_NAMES)[number]

/** Where the servers of a bed are reached: plain data, fit for another thread or process. */
export interface BedAddresses extends DataAddresses {
  readonly kubernetesUrl: string
  /** Where etcd's own API is, without login. */
  readonly etcdUrl: string
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string
  readonly kubectl: string
  /** The socket by which another thread or process stops and starts the servers. */
  readonly controlSocket: string
}

/** One data stack and one Kubernetes API, which belong together. */
export interface Bed {
  readonly addresses: BedAddresses
  /** Ends the servers and keeps their data. */
  stop(): Promise<void>
  /** Ends the servers at once and removes their data. */
  discard(): Promise<void>
}

/** How a bed's data stack is to differ from the usual one. */
export type BedDataOptions = Partial<Omit<DataStackOptions, keyof Run | 'dir'>>

/** Starts a bed in a folder (6 s); throws, with nothing left running, when a server is not ready in time. */
export async function startBed(
  options: Run & { readonly dir: string; readonly data?: BedDataOptions },
): Promise<Bed> {
  const { dir, progress, signal } = options
  await mkdir(dir, { recursive: true })
  const [data, api] = await Promise.allSettled([
    startDataStack({ dir: join(dir, 'data'), ...options.data, progress, signal }),
    startApiServer({ dir: join(dir, 'api'), progress, signal }),
  ])
  if (data.status === 'rejected' || api.status === 'rejected') {
    if (data.status === 'fulfilled') await data.value.stop()
    if (api.status === 'fulfilled') await api.value.stop()
    throw data.status === 'rejected' ? data.reason : (api as PromiseRejectedResult).reason
  }
  const controlSocket = join(dir, 'control.sock')
  const control = await serveControl(controlSocket, serversOf(data.value, api.value))
  const endWith = async (endData: () => Promise<void>) => {
    await control.close()
    await Promise.all([endData(), api.value.stop()])
  }
  return {
    addresses: addressesOf(data.value, api.value, controlSocket),
    stop: () => endWith(data.value.stop),
    discard: () => endWith(data.value.discard),
  }
}

function serversOf(data: DataStack, api: ApiServer): Readonly<Record<ServerName, Server>> {
  const { broker, connect, database } = data
  const { etcd, apiserver, controllerManager } = api
  return { broker, connect, database, etcd, apiserver, controllerManager }
}

function addressesOf(data: DataStack, api: ApiServer, controlSocket: string): BedAddresses {
  const { bootstrapServers, connectUrl, secretsDir, postgres } = data
  const { url: kubernetesUrl, etcdUrl, kubeconfig, kubectl } = api
  return {
    bootstrapServers,
    connectUrl,
    secretsDir,
    postgres,
    kubernetesUrl,
    etcdUrl,
    kubeconfig,
    kubectl,
    controlSocket,
  }
}
