import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ResourceType } from '../../src/runtime/kube.ts'
import { eventually } from './eventually.ts'
import { freePort, MAIN, WITH_US } from './process.ts'
import type { World } from './world.ts'

const CONFIG_MAPS: ResourceType = { group: '', version: 'v1', plural: 'configmaps' }

/** A gateway as its pod would run. */
export interface GatewayProcess {
  /** For clients. */
  readonly url: string
  stop(): Promise<void>
}

/** Runs the gateway of a Pipeline, with the configuration that the operator wrote for it, until its views are read. */
export async function startGatewayOf(world: World, pipeline: string): Promise<GatewayProcess> {
  const config = await eventually('the gateway has a configuration', 30_000, async () => {
    const name = `${pipeline}-gateway`
    const map = await world.kube.get(CONFIG_MAPS, world.namespace, name, AbortSignal.timeout(20_000))
    return (map?.['data'] as Readonly<Record<string, string>> | undefined)?.['config.json']
  })
  const dir = await mkdtemp(join(tmpdir(), 'penstock-gateway-'))
  const file = join(dir, 'config.json')
  await writeFile(file, config)
  const [port, statusPort] = [await freePort(), await freePort()]
  const at = ['--listen', `127.0.0.1:${port}`, '--status-listen', `127.0.0.1:${statusPort}`]
  const command = [process.execPath, MAIN, 'gateway', '--config', file, ...at]
  const child = spawn('setpriv', [...WITH_US, ...command], { stdio: 'inherit' })
  const exited = once(child, 'exit')
  await eventually('the gateway is ready', 30_000, async () => {
    const { status } = await fetch(`http://127.0.0.1:${statusPort}/readyz`)
    return status === 200 ? true : undefined
  })
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGKILL')
      await exited
      await rm(dir, { recursive: true, force: true })
    },
  }
}
