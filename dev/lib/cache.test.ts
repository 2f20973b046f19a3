import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cached, cacheFolder } from './cache.ts'

const run = { progress: () => undefined, signal: AbortSignal.timeout(30_000) }
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-cache-'))
  vi.stubEnv('PENSTOCK_CACHE', folder)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test.each([
  [{ PENSTOCK_CACHE: '/a', XDG_CACHE_HOME: '/b' }, /^\/a$/],
  [{ XDG_CACHE_HOME: '/b' }, /^\/b\/penstock$/],
  [{}, /\/\.cache\/penstock$/],
])('the cache is where %o says', (env, expected) => {
  expect(cacheFolder(env)).toMatch(expected)
})

test('two runs at once make an entry once', async () => {
  const make = vi.fn(async (place: string) => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    await writeFile(join(place, 'file'), 'made')
  })
  const entry = { key: 'thing-1', what: 'a thing', make }
  const places = await Promise.all([cached(entry, run), cached(entry, run)])
  expect(places).toEqual([join(folder, 'thing-1'), join(folder, 'thing-1')])
  expect(await readFile(join(folder, 'thing-1', 'file'), 'utf8')).toBe('made')
  expect(make).toHaveBeenCalledOnce()
})

test('a failure leaves nothing, and the next run makes it', async () => {
  const broken = { key: 'thing-2', what: 'a thing', make: () => Promise.reject(new Error('no disk')) }
  await expect(cached(broken, run)).rejects.toThrow('no disk')
  expect((await readdir(folder)).filter((name) => !name.endsWith('.lock'))).toEqual([])
  await cached({ ...broken, make: async () => undefined }, run)
  expect(await readdir(folder)).toContain('thing-2')
})
