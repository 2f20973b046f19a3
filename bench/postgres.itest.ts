import { expect, inject, it } from 'vitest'
import { runOnce } from './postgres/run.ts'

/** A small run: that the bench works, not its figures. */
it('bench/postgres measures a profile, its peer and a few Sources', { timeout: 150_000 }, async () => {
  const size = { rows: 100_000, transactions: 400, commits: 50, sources: 3, restMs: 3_000 }
  const found = await runOnce(
    inject('testBed'),
    { ...size, profiles: ['Balanced'] },
    () => undefined,
    AbortSignal.timeout(145_000),
  )
  for (const measured of [found.profiles.get('Balanced'), found.peer]) {
    expect(Object.keys(measured ?? {})).toHaveLength(6)
    // So few rows may take less processor time than the kernel counts in.
    const least = (name: string) => (name.includes('Cpu') ? 0 : Number.MIN_VALUE)
    const wrong = Object.entries(measured ?? {}).filter(([name, value]) => !(value >= least(name)))
    expect(wrong).toEqual([])
  }
  expect(found.fleet['fleetOperatorRssMiB']).toBeGreaterThan(10)
  expect(found.fleet['fleetConnectCallsPerSecond']).toBeLessThan(5)
})
