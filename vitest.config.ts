import { defineConfig } from 'vitest/config'

const MINUTE = 60_000

/** Three kinds of tests; a project without a single test fails the run, see test/reporter.ts. */
export default defineConfig({
  test: {
    reporters: ['dot', './test/reporter.ts'],
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          pool: 'threads',
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['**/*.itest.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: ['./test/bed.ts'],
          fileParallelism: false,
          testTimeout: 2 * MINUTE,
          hookTimeout: 5 * MINUTE,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.ts'],
          globalSetup: ['./e2e/bed.ts'],
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 5 * MINUTE,
          hookTimeout: 15 * MINUTE,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
