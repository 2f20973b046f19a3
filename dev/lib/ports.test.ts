import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'vitest'
import { blocksToTry, readFirstPort, reservePorts, writeFirstPort } from './ports.ts'
import { test } from './temporary.ts'

const signal = AbortSignal.timeout(30_000)

test('every block is tried once, the former one first', () => {
  const blocks = blocksToTry({ count: 4, before: 20_800, random: () => 0.5 })
  expect(blocks[0]).toBe(20_800)
  expect(new Set(blocks).size).toBe(1_500)
  expect(Math.max(...blocks)).toBeLessThan(32_768 - 8)
})

test('a former port outside the range is not asked for', () => {
  expect(blocksToTry({ count: 1, before: 9_092, random: () => 0 })[0]).toBe(20_000)
})

test('two reservations at once get different ports, a released one can be had again', async () => {
  const [first, second] = await Promise.all([
    reservePorts({ count: 4, random: () => 0.1 }, signal),
    reservePorts({ count: 4, random: () => 0.1 }, signal),
  ])
  expect(new Set([...first.ports, ...second.ports]).size).toBe(8)
  await first.release()
  const again = await reservePorts({ count: 4, before: first.ports[0] }, signal)
  expect(again.ports).toEqual(first.ports)
  await Promise.all([second.release(), again.release()])
})

test('a block with a port in use is passed over', async () => {
  const probe = await reservePorts({ count: 2, random: () => 0.9 }, signal)
  await probe.release()
  const server = createServer().listen(probe.ports[1], '127.0.0.1')
  await once(server, 'listening')
  const other = await reservePorts({ count: 2, random: () => 0.9 }, signal)
  expect(other.ports).not.toContain(probe.ports[1])
  await other.release()
  server.close()
})

test('the first port is remembered in the folder', async ({ folder }) => {
  expect(await readFirstPort(folder)).toBeUndefined()
  await writeFirstPort(folder, 20_008)
  expect(await readFirstPort(folder)).toBe(20_008)
})
