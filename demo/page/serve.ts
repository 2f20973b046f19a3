import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'

const HERE = import.meta.dirname
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript' } as const

/** A page server on 127.0.0.1. */
export interface PageServer {
  /** The page's address; it connects to the gateway at `gatewayPort` of this machine. */
  url(gatewayPort: number): string
  close(): void
}

/** Bundles the page and serves it on a free port. */
export async function servePage(): Promise<PageServer> {
  const script = await bundle()
  const files: Readonly<Record<string, readonly [string, string]>> = {
    '/': [TYPES.html, await readFile(join(HERE, 'index.html'), 'utf8')],
    '/styles.css': [TYPES.css, await readFile(join(HERE, 'styles.css'), 'utf8')],
    '/app.js': [TYPES.js, script],
  }
  const server = createServer((request, response) => {
    const file = files[new URL(request.url ?? '/', 'http://page').pathname]
    if (!file) return response.writeHead(404).end('not found')
    return response.writeHead(200, { 'content-type': file[0], 'cache-control': 'no-store' }).end(file[1])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: (gatewayPort) => `http://127.0.0.1:${port}/?gateway=http://127.0.0.1:${gatewayPort}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, 'app.tsx')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    jsx: 'automatic',
    minify: true,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return outputFiles[0]?.text ?? ''
}
