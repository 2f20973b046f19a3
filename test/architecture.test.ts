import { describe, expect, it } from 'vitest'
import { type Module, readModules, violations } from './architecture.ts'

const module = (path: string, text: string): Module => ({ path, text })

describe('the tree', () => {
  const modules = readModules(new URL('..', import.meta.url))

  it('is read', () => {
    expect(modules.length).toBeGreaterThan(100)
  })

  it('keeps its layers, has no cycle, no mutable module state and no module mock', () => {
    expect(violations(modules)).toEqual([])
  })
})

describe('the check finds', () => {
  it.each<readonly [string, readonly Module[], string]>([
    [
      'an upward import',
      [module('src/lib/a.ts', "import { b } from '../external/b.ts'"), module('src/external/b.ts', '')],
      'src/lib/a.ts imports src/external/b.ts: lib may not import external',
    ],
    [
      'an upward import of a type',
      [module('src/clients/a.ts', "import type { B } from '../api/b.ts'"), module('src/api/b.ts', '')],
      'src/clients/a.ts imports src/api/b.ts: clients may not import api',
    ],
    [
      'a value where only types may be imported',
      [module('src/sources/a.ts', "import { b } from '../lag/b.ts'"), module('src/lag/b.ts', '')],
      'src/sources/a.ts imports src/lag/b.ts: sources may import only types of lag',
    ],
    [
      'a re-export and an import that runs later',
      [
        module('src/lib/a.ts', "export { b } from '../api/b.ts'\nawait import('../runtime/c.ts')"),
        module('src/api/b.ts', ''),
        module('src/runtime/c.ts', ''),
      ],
      'src/lib/a.ts imports src/runtime/c.ts: lib may not import runtime',
    ],
    [
      'a cycle',
      [
        module('src/lib/a.ts', "import { b } from './b.ts'"),
        module('src/lib/b.ts', "import { c } from './c.ts'"),
        module('src/lib/c.ts', "import { a } from './a.ts'"),
      ],
      'import cycle: src/lib/a.ts → src/lib/b.ts → src/lib/c.ts → src/lib/a.ts',
    ],
    [
      'a mutable module binding',
      [module('src/lib/a.ts', 'export let count = 0')],
      'src/lib/a.ts: `let` at module level',
    ],
    ['a module mock', [module('src/lib/a.test.ts', "vi.mock('./b.ts')")], 'src/lib/a.test.ts: module mock'],
    [
      'a folder that the table does not know',
      [module('src/new/a.ts', '')],
      'src/new/a.ts: new is in no layer of test/architecture.ts',
    ],
    [
      'an import of the sources from the local stack',
      [module('dev/a.ts', "import { b } from '../src/lib/b.ts'"), module('src/lib/b.ts', '')],
      'dev/a.ts imports src/lib/b.ts: dev may not import lib',
    ],
  ])('%s', (_name, modules, found) => {
    expect(violations(modules)).toContain(found)
  })

  it('nothing wrong with downward imports', () => {
    const modules = [
      module(
        'src/external/a.ts',
        "import type { B } from '../clients/b.ts'\nimport { c } from '../lib/c.ts'",
      ),
      module('src/clients/b.ts', "import { c } from '../lib/c.ts'"),
      module('src/lib/c.ts', 'export const c = () => {\n  let x = 1\n  return x\n}'),
    ]
    expect(violations(modules)).toEqual([])
  })
})
