import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'vitest'
import { tryLock, waitForLock } from './lock.ts'
import { test } from './temporary.ts'

const signal = AbortSignal.timeout(30_000)

test('the second to ask is told who holds the lock, and has it once it is released', async ({ folder }) => {
  const path = join(folder, 'lock')
  const first = await tryLock(path, 'a test', signal)
  const second = await tryLock(path, 'another', signal)
  expect(second).toMatchObject({
    kind: 'taken',
    by: expect.stringMatching(/^a test \(process \d+, since 20/),
  })
  if (first.kind === 'held') await first.lock.release()
  expect(await heldAndReleased(path)).toBe(true)
})

test('a wait ends with a sentence when its time is up', async ({ folder }) => {
  const path = join(folder, 'lock')
  const lines: string[] = []
  const run = { progress: (line: string) => void lines.push(line), signal }
  const lock = await waitForLock(path, 'the first', 1_000, run)
  await expect(waitForLock(path, 'the second', 100, run)).rejects.toThrow(
    /still held by the first .* after 0.1 s/,
  )
  expect(lines).toEqual([expect.stringContaining('waiting for the first')])
  await lock.release()
})

test('the lock of a killed process is free', async ({ folder }) => {
  const path = join(folder, 'lock')
  const holder = `import { tryLock } from '${join(import.meta.dirname, 'lock.ts')}'
    const held = await tryLock('${path}', 'a doomed process', AbortSignal.timeout(5000))
    console.log(held.kind); setInterval(() => held, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  expect((await tryLock(path, 'a test', signal)).kind).toBe('taken')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await heldAndReleased(path)).toBe(true)
})

async function heldAndReleased(path: string): Promise<boolean> {
  const attempt = await tryLock(path, 'a test', signal)
  if (attempt.kind === 'held') await attempt.lock.release()
  return attempt.kind === 'held'
}
