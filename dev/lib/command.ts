import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'

/** How a command is run. */
export interface CommandOptions {
  readonly cwd?: string
  /** Set on top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** A file that gets everything the command says, beside the returned text. */
  readonly log?: string
  readonly withinMs: number
  readonly signal: AbortSignal
}

/** Runs a command to its end and returns its standard output; throws with its last lines when it fails or is late. */
export async function run(command: readonly [string, ...string[]], options: CommandOptions): Promise<string> {
  const [file, ...args] = command
  const limit = AbortSignal.timeout(options.withinMs)
  // pdeathsig: a compiler or a package manager must not go on when the run that wanted it was killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', file, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.any([options.signal, limit]),
    killSignal: 'SIGKILL',
  })
  const stdout: Buffer[] = []
  const both: Buffer[] = []
  const log = options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a' })
  child.stdout.on('data', (chunk: Buffer) => void stdout.push(chunk))
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      both.push(chunk)
      log?.write(chunk)
    })
  }
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null]
    if (code !== 0) throw new Error(`${file} ended with ${code ?? killedBy}:\n${tail(both)}`)
    return Buffer.concat(stdout).toString('utf8')
  } catch (error) {
    options.signal.throwIfAborted()
    if (!limit.aborted) throw error
    throw new Error(`${file} took longer than ${options.withinMs / 1_000} s:\n${tail(both)}`)
  } finally {
    log?.end()
  }
}

/** Whether a command can be run and ends well; its output is dropped. */
export async function succeeds(
  command: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<boolean> {
  const ended = await run(command, { withinMs: 10_000, signal }).then(
    () => true,
    () => false,
  )
  signal.throwIfAborted()
  return ended
}

function tail(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8').trimEnd().split('\n').slice(-20).join('\n')
}
