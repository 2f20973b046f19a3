import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'

/** The program as it is run from its sources. */
export const MAIN = fileURLToPath(new URL('../../src/main/index.ts', import.meta.url))

/** Of setpriv, before a command: it dies with the process that started it, however that ends. */
export const WITH_US = ['--pdeathsig', 'KILL', '--'] as const

/** An operator in a process of its own. */
export interface OperatorProcess {
  /** The value of a metric's sample, such as `penstock_api_writes_total{what="status"}`; 0 where there is none. */
  metric(sample: string): Promise<number>
  /** The last lines that it logged. */
  log(): string
  /** Everything that it logged, and its metrics. */
  everything(): Promise<string>
  /** SIGTERM, and waits for its end. */
  stop(): Promise<void>
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>
  /** SIGSTOP: it stands still with its connections open. */
  pause(): void
  /** Ends a pause. */
  resume(): void
  /** Its exit code, once it has ended; null when a signal ended it. */
  readonly exited: Promise<number | null>
}

/**
 * Starts an operator on the API server of a kubeconfig and waits until it has read every object; `flags` are further ones
 * of the command, `main` another module that takes them.
 */
export async function startOperator(
  kubeconfig: string,
  flags: readonly string[] = [],
  main = MAIN,
): Promise<OperatorProcess> {
  const port = await freePort()
  const command = [process.execPath, main, 'operator', '--listen', `127.0.0.1:${port}`, ...flags]
  const child = spawn('setpriv', [...WITH_US, ...command], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const lines = collect(child)
  const at = `http://127.0.0.1:${port}`
  await eventually('the operator is ready', 20_000, async () => {
    if (child.exitCode !== null) throw new Error(`the operator ended: ${lines().slice(-2_000)}`)
    const { status } = await fetch(`${at}/readyz`)
    return status === 200 ? true : undefined
  })
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await exited
  }
  return {
    metric: async (sample) => {
      const text = await (await fetch(`${at}/metrics`)).text()
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `))
      return Number(line?.slice(sample.length + 1) ?? 0)
    },
    log: () => lines().slice(-4_000),
    everything: async () => lines() + (await (await fetch(`${at}/metrics`)).text()),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    exited,
  }
}

function collect(child: ChildProcess): () => string {
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  }
  return () => chunks.join('')
}

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
