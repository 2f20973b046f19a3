import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A source file: its path from the root of the project, and what is in it. */
export interface Module {
  readonly path: string
  readonly text: string
}

const SRC = [
  ...['lib', 'api', 'contracts', 'clients', 'runtime', 'events', 'external', 'lag', 'sources', 'sinks'],
  ...['controllers', 'processor', 'gateway', 'main'],
]

/** Who may import whom; `type:` before a layer lets only types pass. Every layer may import itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  api: ['lib'],
  contracts: [],
  clients: ['lib'],
  runtime: ['lib'],
  events: ['contracts', 'lib'],
  external: ['clients', 'contracts', 'lib'],
  lag: ['clients', 'api', 'lib'],
  sources: ['api', 'external', 'clients', 'type:lag', 'contracts', 'lib'],
  sinks: ['api', 'external', 'clients', 'type:lag', 'contracts', 'lib'],
  controllers: ['api', 'sources', 'sinks', 'external', 'type:lag', 'clients', 'contracts', 'lib'],
  processor: ['contracts', 'clients', 'events', 'lib', 'protocol'],
  gateway: ['contracts', 'clients', 'events', 'lib', 'protocol'],
  main: SRC,
  protocol: [],
  client: ['protocol'],
  console: ['client', 'protocol'],
  dev: [],
  // e2e/drills stands on what the operator's own tests stand on, and names things as the operator does.
  e2e: ['protocol', 'client', 'demo', 'dev', 'test', 'api'],
  demo: ['protocol', 'client', 'dev'],
  // bench/scale puts an operator together on stand-ins, as main does on the real things.
  bench: [
    'contracts',
    'protocol',
    'client',
    'demo',
    'dev',
    'main',
    'external',
    'runtime',
    'clients',
    'sources',
    'lib',
    'test',
  ],
}

/** Folders that hold modules of ours. */
const ROOTS = ['src', 'packages', 'dev', 'e2e', 'demo', 'bench']
const IMPORT =
  /^(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm

/** Every TypeScript file of ours below a folder. */
export function readModules(root: URL): readonly Module[] {
  return ROOTS.filter((folder) => existsSync(new URL(folder, root))).flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((path) => /(?<!\.d)\.tsx?$/.test(path) && !/(^|\/)(node_modules|dist)\//.test(path))
      .map((path) => join(folder, path))
      .map((path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') })),
  )
}

/** Everything that breaks the rules of the tree, each as a sentence. */
export function violations(modules: readonly Module[]): readonly string[] {
  const graph = new Map(modules.map((module) => [module.path, importsOf(module)]))
  return [...modules.flatMap((module) => own(module, graph.get(module.path) ?? [])), ...cycles(graph)]
}

interface Import {
  readonly to: string
  readonly typeOnly: boolean
}

function own(module: Module, imports: readonly Import[]): readonly string[] {
  const { path, text } = module
  const layer = layerOf(path)
  const allowed = LAYERS[layer]
  if (!allowed) return [`${path}: ${layer} is in no layer of test/architecture.ts`]
  // A test is no part of the product: it may bring the other side along, and keep something between a hook and a test.
  const product = !/\.(i?test|e2e)\.ts$/.test(path)
  return [
    ...(product ? imports.flatMap((one) => layerViolation(path, layer, allowed, one)) : []),
    ...(product && /^(export )?(let|var) /m.test(text) ? [`${path}: \`let\` at module level`] : []),
    ...(/\bvi\.(do)?mock\(/i.test(text) ? [`${path}: module mock`] : []),
  ]
}

function layerViolation(
  path: string,
  layer: string,
  allowed: readonly string[],
  { to, typeOnly }: Import,
): readonly string[] {
  const target = layerOf(to)
  if (target === layer || allowed.includes(target)) return []
  const types = allowed.includes(`type:${target}`)
  if (types && typeOnly) return []
  const why = types ? `${layer} may import only types of ${target}` : `${layer} may not import ${target}`
  return [`${path} imports ${to}: ${why}`]
}

const layerOf = (path: string): string => {
  const [first = '', second = ''] = path.split('/')
  return first === 'src' || first === 'packages' ? second.replace(/\.ts$/, '') : first
}

function importsOf({ path, text }: Module): readonly Import[] {
  return [...text.matchAll(IMPORT)].flatMap(([, type, from, later]) => {
    const specifier = from ?? later ?? ''
    const typeOnly = type !== undefined
    if (specifier.startsWith('.')) return [{ to: join(dirname(path), specifier), typeOnly }]
    const [, name] = /^@penstock\/(\w+)/.exec(specifier) ?? []
    return name ? [{ to: `packages/${name}/src/index.ts`, typeOnly }] : []
  })
}

/** Depth first: an import of something that is on the present path closes a ring. */
function cycles(graph: ReadonlyMap<string, readonly Import[]>): readonly string[] {
  const done = new Set<string>()
  const visit = (path: string, above: readonly string[]): readonly string[] => {
    if (above.includes(path)) {
      return [`import cycle: ${[...above.slice(above.indexOf(path)), path].join(' → ')}`]
    }
    if (done.has(path)) return []
    const found = (graph.get(path) ?? []).flatMap(({ to }) => visit(to, [...above, path]))
    done.add(path)
    return found
  }
  return [...graph.keys()].flatMap((path) => visit(path, []))
}
