import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ApiServer, startApiServer } from '../../dev/kubernetes/api-server.ts'
import { killServers } from '../../dev/lib/server.ts'
import { adminKube } from '../../test/operator/kube.ts'
import { type Measured, measure, type Scale } from './measure.ts'
import { countOf, makeObjects } from './objects.ts'
import { startOutside } from './outside.ts'
import { measurePeer } from './peer.ts'

const CRDS = join(import.meta.dirname, '../../crds')

/** One run on an API server of its own, which is gone afterwards. */
export function runOnce(scale: Scale, progress: Progress, signal: AbortSignal): Promise<Measured> {
  return onApiServer(progress, signal, (api) => measure(api, scale, progress, signal))
}

/** The same cold start and rest of the Go peer. */
export function runPeer(scale: Scale, progress: Progress, signal: AbortSignal): Promise<Measured> {
  return onApiServer(progress, signal, async ({ kubeconfig }) => {
    const kube = await adminKube(kubeconfig)
    const outside = await startOutside()
    const make = () => makeObjects(kube, scale, outside.port, signal)
    try {
      const bench = { kubeconfig, outside, make, objects: countOf(scale) }
      return await measurePeer(bench, { progress, signal })
    } finally {
      await Promise.all([outside.close(), kube.close()])
    }
  })
}

type Progress = (line: string) => void

async function onApiServer(
  progress: Progress,
  signal: AbortSignal,
  run: (api: Pick<ApiServer, 'url' | 'kubeconfig'> & { readonly dir: string }) => Promise<Measured>,
): Promise<Measured> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-scale-'))
  const api = await startApiServer({ dir, progress, signal })
  try {
    const kubectl = (...args: string[]) =>
      promisify(execFile)(api.kubectl, ['--kubeconfig', api.kubeconfig, ...args], { timeout: 60_000 })
    await kubectl('apply', '--server-side', '-f', CRDS)
    await kubectl('wait', '--for=condition=established', '--timeout=30s', '-f', CRDS)
    // Deployments and pods are the stand-in's.
    await killServers([api.controllerManager])
    return await run({ ...api, dir })
  } finally {
    await api.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
