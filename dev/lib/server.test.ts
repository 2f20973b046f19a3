import { join } from 'node:path'
import { expect } from 'vitest'
import { identify, processTree } from './processes.ts'
import { createServer, type ServerSpec } from './server.ts'
import { test } from './temporary.ts'

const signal = AbortSignal.timeout(30_000)

function spec(folder: string, script: string, change: Partial<ServerSpec> = {}): ServerSpec {
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

test('a killed server is gone with its children, and starts again', async ({ folder }) => {
  const server = createServer(spec(folder, 'sleep 60 & echo ready; wait'))
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

test('a server that ignores the polite signal, or is paused, ends all the same', async ({ folder }) => {
  const server = createServer(spec(folder, "trap '' TERM; echo ready; while :; do sleep 0.1; done"))
  await server.start(signal)
  await server.pause()
  await server.stop()
  expect(server.pid).toBeUndefined()
})

test('a server that ends at its start is reported with its last lines', async ({ folder }) => {
  const server = createServer(spec(folder, 'echo no such disk >&2; exit 4'))
  await expect(server.start(signal)).rejects.toThrow(/sample ended with 4[\s\S]*no such disk/)
})

test('a server that is not ready in time is killed', async ({ folder }) => {
  const late = { withinMs: 200, probe: async () => false }
  const server = createServer(spec(folder, 'sleep 60', { ready: late }))
  await expect(server.start(signal)).rejects.toThrow('sample: not ready within 0.2 s')
  expect(server.pid).toBeUndefined()
})
