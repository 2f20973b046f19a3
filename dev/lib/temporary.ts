import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, vi } from 'vitest'

/** A test that has a temporary folder of its own, which is the cache folder while it runs. */
export const test = base.extend<{ folder: string }>({
  folder: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixture's needs from the pattern.
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'penstock-unit-'))
      vi.stubEnv('PENSTOCK_CACHE', folder)
      await use(folder)
      vi.unstubAllEnvs()
      await rm(folder, { recursive: true })
    },
    { auto: true },
  ],
})
