import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startApiServer } from '../../dev/kubernetes/api-server.ts'
import { killServers } from '../../dev/lib/server.ts'
import { type Measured, measure, type Scale } from './measure.ts'

const CRDS = join(import.meta.dirname, '../../crds')

/** One run on an API server of its own, which is gone afterwards. */
export async function runOnce(
  scale: Scale,
  progress: (line: string) => void,
  signal: AbortSignal,
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
    return await measure({ ...api, dir }, scale, progress, signal)
  } finally {
    await api.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
