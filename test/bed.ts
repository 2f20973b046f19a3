import type { TestProject } from 'vitest/node'
import { type BedAddresses, setUpTestBed } from '../dev/testing.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Addresses of the servers that the integration tests of a run share. */
    testBed: BedAddresses
  }
}

/** Starts the servers of a run of integration tests, once, and ends them with it. */
export default function setUp(project: TestProject): Promise<() => Promise<void>> {
  return setUpTestBed({
    provide: (key, addresses) => {
      const [kafka = ''] = addresses.bootstrapServers
      project.provide(key, addresses)
      project.provide('kafka', kafka)
    },
  })
}
