import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { typesTable } from './operator/types/table.ts'

it('docs/postgres-types.md says what test/operator/types.itest.ts has seen', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/postgres-types.md'), 'utf8')
  expect(page).toContain(`\n${typesTable()}\n`)
})
