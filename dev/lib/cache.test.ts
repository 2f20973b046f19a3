import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { cached, cacheFolder } from './cache.ts'
import { test } from './temporary.ts'

const run = { progress: () => undefined, signal: AbortSignal.timeout(30_000) }

test.each([
  [{ PENSTOCK_CACHE: '/a', XDG_CACHE_HOME: '/b' }, /^\/a$/],
  [{ XDG_CACHE_HOME: '/b' }, /^\/b\/penstock$/],
  [{}, /\/\.cache\/penstock$/],
])('the cache is where %o says', (env, expected) => {
  expect(cacheFolder(env)).toMatch(expected)
})

test('two runs at once make an entry once', async ({ folder }) => {
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

test('a failure leaves nothing, and the next run makes it', async ({ folder }) => {
  const broken = { key: 'thing-2', what: 'a thing', make: () => Promise.reject(new Error('no disk')) }
  await expect(cached(broken, run)).rejects.toThrow('no disk')
  expect((await readdir(folder)).filter((name) => !name.endsWith('.lock'))).toEqual([])
  await cached({ ...broken, make: async () => undefined }, run)
  expect(await readdir(folder)).toContain('thing-2')
})
