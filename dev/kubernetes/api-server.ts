import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { tryLock } from '../lib/lock.ts'
import { readFirstPort, reservePorts, writeFirstPort } from '../lib/ports.ts'
import type { Run } from '../lib/run.ts'
import { killServers, type Server } from '../lib/server.ts'
import { hyperkubeFolder } from './binaries.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'
import { kubeconfigOf, makeKeys } from './pki.ts'

/** A running Kubernetes API on loopback: objects and their controllers, but no node and so no pods. */
export interface ApiServer {
  readonly url: string
  /** Where etcd's own API is, without login. */
  readonly etcdUrl: string
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string
  /** The path of a kubectl of the same version. */
  readonly kubectl: string
  readonly apiserver: Server
  readonly etcd: Server
  readonly controllerManager: Server
  /** Ends the servers at once; their data stays for the next start in the folder. */
  stop(): Promise<void>
}

/**
 * Starts etcd, the API server and the controller manager on the store of the folder (4 s), needing no root; throws when one
 * is not ready in time or another run uses the folder. The first call on a machine compiles Kubernetes.
 */
export async function startApiServer(options: Run & { readonly dir: string }): Promise<ApiServer> {
  const dir = resolve(options.dir)
  await mkdir(dir, { recursive: true })
  const folder = await tryLock(join(dir, 'lock'), 'a Kubernetes API', options.signal)
  if (folder.kind === 'taken') throw new Error(`${dir} is in use by ${folder.by}`)
  const block = await reservePorts({ count: 4, before: await readFirstPort(dir) }, options.signal)
  const release = async () => {
    await block.release()
    await folder.lock.release()
  }
  const [api = 0, etcd = 0, etcdPeer = 0, controllers = 0] = block.ports
  try {
    return await startControlPlane(dir, { api, etcd, etcdPeer, controllers }, options, release)
  } catch (error) {
    await release()
    throw error
  }
}

async function startControlPlane(
  dir: string,
  ports: Parameters<typeof createControlPlane>[0]['ports'],
  context: Run,
  release: () => Promise<void>,
): Promise<ApiServer> {
  const bin = await hyperkubeFolder(context)
  const start = Date.now()
  const url = `https://127.0.0.1:${ports.api}`
  const pki = join(dir, 'pki')
  await writeFirstPort(dir, ports.api)
  await rm(pki, { recursive: true, force: true })
  await makeKeys(pki, url, ['10.96.0.1'], context)
  const plane = await createControlPlane({
    dir,
    hyperkube: join(bin, 'hyperkube'),
    bindAddress: '127.0.0.1',
    advertiseAddress: '127.0.0.1',
    ports,
  })
  await startInOrder(plane, context.signal)
  context.progress(`the Kubernetes API is ready after ${((Date.now() - start) / 1_000).toFixed(1)} s`)
  return {
    url,
    etcdUrl: `http://127.0.0.1:${ports.etcd}`,
    kubeconfig: kubeconfigOf(pki, 'admin'),
    kubectl: join(bin, 'kubectl'),
    ...plane,
    stop: async () => {
      await killServers(Object.values(plane))
      await release()
    },
  }
}

/** Starts a control plane's servers; throws, with none left running, when one is not ready in time. */
export async function startInOrder(plane: ControlPlane, signal: AbortSignal): Promise<void> {
  try {
    await plane.etcd.start(signal)
    await plane.apiserver.start(signal)
    await plane.controllerManager.start(signal)
  } catch (error) {
    await killServers(Object.values(plane))
    throw error
  }
}
