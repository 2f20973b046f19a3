import { join } from 'node:path'
import { serveControl } from '../../control.ts'
import { run } from '../../lib/command.ts'
import type { Run } from '../../lib/run.ts'
import { startInOrder } from '../api-server.ts'
import { createControlPlane } from '../control-plane.ts'
import { makeKeys } from '../pki.ts'
import { NODE_ADDRESS, PORTS } from './addresses.ts'
import { createNodeServers, type NodeParts, type NodeServers } from './node-servers.ts'
import { serveTunnels } from './tunnel.ts'

/** What the process inside a sandbox is told. */
export interface InsideOptions extends NodeParts {
  readonly images: readonly string[]
  readonly tunnelSocket: string
  readonly controlSocket: string
}

/** What the process inside a sandbox tells, a line of JSON each. */
export type Message =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reason: string }

/** Makes the images of an archive known to containerd; throws when it cannot be read. */
export async function importImage(archive: string, signal: AbortSignal): Promise<void> {
  await run(['ctr', '-n', 'k8s.io', 'images', 'import', archive], { withinMs: 120_000, signal })
}

async function startCluster(options: InsideOptions, context: Run): Promise<void> {
  const { dir, hyperkube } = options
  const { signal } = context
  await makeKeys(
    join(dir, 'pki'),
    `https://${NODE_ADDRESS}:${PORTS.api}`,
    ['10.96.0.1', NODE_ADDRESS],
    context,
  )
  const plane = await createControlPlane({
    dir,
    hyperkube,
    bindAddress: '0.0.0.0',
    advertiseAddress: NODE_ADDRESS,
    ports: PORTS,
  })
  const servers = await createNodeServers(options)
  await Promise.all([startInOrder(plane, signal), startContainers(servers, options.images, signal)])
  await Promise.all([
    servers.scheduler.start(signal),
    servers.kubelet.start(signal),
    servers.proxy.start(signal),
    servers.dns.start(signal),
  ])
  await serveTunnels(options.tunnelSocket)
  await serveControl(options.controlSocket, { ...plane, ...servers })
}

async function startContainers(servers: NodeServers, images: readonly string[], signal: AbortSignal) {
  await servers.containerd.start(signal)
  for (const image of images) await importImage(image, signal)
}

function tell(message: Message): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '') as InsideOptions
  const progress = (text: string) => tell({ kind: 'progress', text })
  try {
    await startCluster(options, { progress, signal: AbortSignal.timeout(180_000) })
    tell({ kind: 'ready' })
  } catch (error) {
    tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) })
    process.exitCode = 1
  }
}
