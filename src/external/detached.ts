import { sleep } from '../lib/time.ts'
import { Waiting } from '../lib/verdict.ts'

/** Long writes that outlive the reconcile that began them. */
export interface Detached {
  /**
   * Starts the write unless one for this key runs already, and waits a little for it. Throws Waiting while it runs
   * on or when another had to end first, and what a write that ran on came to an end with, once. A write that succeeded is simply begun again by the
   * next who asks: every write may be repeated.
   */
  run(key: string, what: string, write: (signal: AbortSignal) => Promise<void>): Promise<void>
}

/** How long a reconcile waits before it lets a write run on by itself. */
const PATIENCE_MS = 4_000
/** Kafka Connect answers a write within 90 s, or never. */
const LIMIT_MS = 120_000

/** Detached writes; `wake` is called with the key of a write that ended after its reconcile had gone. */
export function createDetached(wake: (key: string) => void, signal: AbortSignal): Detached {
  const running = new Map<string, { readonly what: string; readonly done: Promise<void> }>()
  const failed = new Map<string, unknown>()

  const start = (key: string, what: string, write: (signal: AbortSignal) => Promise<void>) => {
    const done = write(AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)])).finally(() =>
      running.delete(key),
    )
    const begun = { what, done }
    running.set(key, begun)
    return begun
  }
  const leave = (key: string, write: Promise<void>): void => {
    void write.catch((error: unknown) => failed.set(key, error)).finally(() => wake(key))
  }

  return {
    run: async (key, what, write) => {
      if (failed.has(key)) {
        const error = failed.get(key)
        failed.delete(key)
        throw error
      }
      const begun = running.get(key) ?? start(key, what, write)
      const patience = new AbortController()
      const ended = await Promise.race([
        begun.done.then(() => true),
        sleep(PATIENCE_MS, patience.signal).then(() => false),
      ]).finally(() => patience.abort())
      if (ended && begun.what === what) return
      if (ended) throw new Waiting('Busy', `${begun.what} had to end before ${what}`, 500)
      leave(key, begun.done)
      throw new Waiting('Busy', `${begun.what} takes longer than usual and goes on`, 30_000)
    },
  }
}
