import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { crdFile } from '../src/api/generate.ts'
import { KINDS } from '../src/api/index.ts'

const folder = new URL('../crds/', import.meta.url)
const remedy = 'regenerate with: npm run generate'

it.each(KINDS.map((kind) => [kind.kind, kind] as const))(
  'crds/ holds %s as src/api makes it',
  (_name, kind) => {
    const { name, yaml } = crdFile(kind)
    expect(readFileSync(new URL(name, folder), 'utf8'), remedy).toBe(yaml)
  },
)

it('crds/ holds nothing else', () => {
  expect(readdirSync(folder).sort(), remedy).toEqual(KINDS.map((kind) => crdFile(kind).name).sort())
})
