import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { identify, processTree } from './processes.ts'
import { createServer, type ServerSpec } from './server.ts'

const signal = AbortSignal.timeout(30_000)
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-server-'))
})

afterEach(() => rm(folder, { recursive: true }))

function spec(script: string, change: Partial<ServerSpec> = {}): ServerSpec {
  return {
    name: 'sample',
    command: ['sh', '-c', script],
    cwd: folder,
    log: join(folder, 'sample.log'),
    ready: { withinMs: 5_000, probe: async (log) => (await log()).includes('ready') },
    stop: { signal: 'SIGTERM', withinMs: 200 },
    ...change,
  }
}

test('a killed server is gone with its children, and starts again', async () => {
  const server = createServer(spec('sleep 60 & echo ready; wait'))
  await server.start(signal)
  const tree = await processTree(server.pid ?? 0)
  expect(tree).toHaveLength(2)
  await server.kill()
  expect(server.pid).toBeUndefined()
  expect(await Promise.all(tree.map(({ pid }) => identify(pid)))).toEqual([undefined, undefined])
  await server.start(signal)
  expect(server.pid).toBeGreaterThan(0)
  await server.stop()
})

test('a server that ignores the polite signal, or is paused, ends all the same', async () => {
  const server = createServer(spec("trap '' TERM; echo ready; while :; do sleep 0.1; done"))
  await server.start(signal)
  await server.pause()
  await server.stop()
  expect(server.pid).toBeUndefined()
})

test('a server that ends at its start is reported with its last lines', async () => {
  const server = createServer(spec('echo no such disk >&2; exit 4'))
  await expect(server.start(signal)).rejects.toThrow(/sample ended with 4[\s\S]*no such disk/)
})

test('a server that is not ready in time is killed', async () => {
  const late = { withinMs: 200, probe: async () => false }
  const server = createServer(spec('sleep 60', { ready: late }))
  await expect(server.start(signal)).rejects.toThrow('sample: not ready within 0.2 s')
  expect(server.pid).toBeUndefined()
})
