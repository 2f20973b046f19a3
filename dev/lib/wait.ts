import { setTimeout as sleep } from 'node:timers/promises'

/** One thing to wait for; a probe that throws counts as "not yet", and its message tells why. */
export interface Wait {
  /** What is awaited, for the error: "the broker on port 20001". */
  readonly what: string
  readonly withinMs: number
  /** Milliseconds between probes; 50 unless told. */
  readonly everyMs?: number
  readonly probe: (signal: AbortSignal) => Promise<boolean>
  readonly signal: AbortSignal
}

/** Probes until the answer is true; throws when the time is up, with the last reason, or when the signal aborts. */
export async function waitUntil(wait: Wait): Promise<void> {
  const end = Date.now() + wait.withinMs
  for (;;) {
    wait.signal.throwIfAborted()
    const left = end - Date.now()
    const answer = await attempt(wait, Math.max(left, 1))
    if (answer === true) return
    wait.signal.throwIfAborted()
    if (left <= 0) {
      throw new Error(
        `${wait.what}: not ready within ${wait.withinMs / 1_000} s${answer ? ` (${answer})` : ''}`,
      )
    }
    await sleep(wait.everyMs ?? 50, undefined, { signal: wait.signal }).catch(() => undefined)
  }
}

async function attempt(wait: Wait, leftMs: number): Promise<true | string> {
  try {
    return (await wait.probe(AbortSignal.any([wait.signal, AbortSignal.timeout(leftMs)]))) || ''
  } catch (error) {
    if (error instanceof Fatal) throw error
    return error instanceof Error ? error.message : String(error)
  }
}

/** Thrown by a probe to say that waiting longer is of no use. */
export class Fatal extends Error {}
