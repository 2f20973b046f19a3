import { messageOf } from '../lib/verdict.ts'

/** Aborts on SIGTERM and SIGINT. */
export function untilStopped(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => controller.abort(new Error(name)))
  return controller.signal
}

/**
 * Runs a role until it ends by itself or, asked by SIGTERM or SIGINT, has stopped. When it fails, the process ends at once
 * with one sentence and code 1: whatever of it still hangs, such as a call that heeds no signal, must not go on.
 */
export async function runRole(run: (stopped: AbortSignal) => Promise<void>): Promise<void> {
  try {
    await run(untilStopped())
  } catch (error) {
    process.stderr.write(`penstock: ${messageOf(error)}\n`)
    process.exit(1)
  }
}
