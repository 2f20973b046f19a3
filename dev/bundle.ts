import { join, resolve } from 'node:path'
import { build, type OnResolveArgs, type PluginBuild } from 'esbuild'

const ROOT = resolve(import.meta.dirname, '..')

/** The name of the bundle's one program. */
export const PROGRAM = 'penstock.js'

/** Bundles an entry file and all that it imports into `folder`, beside a source map and the licences (2 s). */
export async function bundle(
  folder: string,
  signal: AbortSignal,
  entry = 'src/main/index.ts',
): Promise<void> {
  signal.throwIfAborted()
  await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile: join(folder, PROGRAM),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // The map is for people: Node is not told to use it, which would cost 70 MB. Without comments the bundle is a
    // quarter shorter and all Latin-1, which V8 keeps in one byte a letter; an uncaught error prints its line alone.
    minifyWhitespace: true,
    lineLimit: 200,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'external',
    // Dependencies in CommonJS ask for Node's own modules by require.
    banner: {
      js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
    },
    // Optional all of them, and native.
    external: ['pg-native', '@node-rs/crc32', 'bufferutil', 'utf-8-validate'],
    // The plain form reads its WebAssembly from a file beside it, which a bundle does not have.
    alias: { '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled' },
    plugins: [{ name: 'kubernetes-client-without-side-effects', setup: dropUnusedModels }],
    logLevel: 'warning',
  })
}

// The Kubernetes client does not say that its 700 generated files have no side effects. Those that its barrels
// export and we do not use would make a third of the bundle and twice the memory.
function dropUnusedModels(esbuild: PluginBuild): void {
  const filter = /^(@kubernetes\/client-node|\.\.?\/.*\.js)$/
  esbuild.onResolve({ filter }, async (asked: OnResolveArgs) => {
    const barrel = /@kubernetes\/client-node\/dist\/(index|gen\/index|config)\.js$/.test(asked.importer)
    const ours = barrel || asked.path === '@kubernetes/client-node'
    if (asked.pluginData === 'resolving' || asked.path === './polyfill.js' || !ours) return undefined
    const { kind, resolveDir, importer } = asked
    const found = await esbuild.resolve(asked.path, { kind, resolveDir, importer, pluginData: 'resolving' })
    return found.errors.length > 0 ? undefined : { path: found.path, sideEffects: false }
  })
}
