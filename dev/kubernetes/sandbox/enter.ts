import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommandLine } from '../cluster.ts'

/** How a running sandbox is entered. */
export interface SandboxEntry {
  /** Its first process, as numbered outside. */
  readonly firstProcess: number
  readonly kubeconfig: string
  /** Folders with kubectl and helm. */
  readonly path: readonly string[]
}

/** The file that tells how to enter the sandbox in `dir`; there while it runs. */
export function sandboxState(dir: string): string {
  return join(dir, 'sandbox.json')
}

/** How the sandbox in `dir` is entered; throws when none runs. */
export async function readEntry(dir: string): Promise<SandboxEntry> {
  const text = await readFile(sandboxState(dir), 'utf8').catch(() => undefined)
  if (text === undefined) throw new Error(`no sandbox runs in ${dir}`)
  return JSON.parse(text) as SandboxEntry
}

/** The command line that runs a command inside, in the same folder as here. */
export function enterCommand(entry: SandboxEntry, command: CommandLine): CommandLine {
  const namespaces = ['--mount', '--net', '--pid', '--uts', '--ipc', `--wdns=${process.cwd()}`]
  const path = `PATH=${[...entry.path, process.env['PATH'], '/usr/sbin', '/sbin'].join(':')}`
  const environment = [`KUBECONFIG=${entry.kubeconfig}`, path]
  return ['nsenter', `--target=${entry.firstProcess}`, ...namespaces, '--', 'env', ...environment, ...command]
}
