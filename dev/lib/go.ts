import { rm } from 'node:fs/promises'
import { run } from './command.ts'
import type { Run } from './run.ts'

const OLDEST_GO = [1, 24] as const

/** Compiles the main package of a folder, stripped and without cgo; throws when Go is missing or too old. */
export async function goBuild(
  source: string,
  output: string,
  linkFlags: string,
  context: Run,
): Promise<void> {
  await requireGo(source, context.signal)
  const log = `${output}.log`
  await run(['go', 'build', '-trimpath', '-ldflags', `-s -w${linkFlags}`, '-o', output, '.'], {
    cwd: source,
    // No stamp of the checkout's state: it would make each commit another binary.
    env: { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' },
    log,
    withinMs: 40 * 60_000,
    signal: context.signal,
  })
  await rm(log)
}

async function requireGo(source: string, signal: AbortSignal): Promise<void> {
  const text = await run(['go', 'env', 'GOVERSION'], { withinMs: 20_000, signal }).catch(() => '')
  const [major = 0, minor = 0] = text.trim().replace('go', '').split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST_GO
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  const found = text.trim() || 'none'
  throw new Error(
    `${source} is compiled with Go ${OLDEST_GO.join('.')} or newer; found ${found}: put Go on PATH`,
  )
}
