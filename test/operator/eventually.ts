import { setTimeout as delay } from 'node:timers/promises'

/** Asks until there is an answer; when the time is up, throws with what was last seen. A probe that throws is asked again. */
export async function eventually<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined>,
  seen: () => string = () => '',
): Promise<T> {
  const end = Date.now() + withinMs
  for (;;) {
    const attempt = await probe().then(
      (answer) => ({ answer, error: undefined }),
      (error: unknown) => ({ answer: undefined, error }),
    )
    if (attempt.answer !== undefined) return attempt.answer
    if (Date.now() >= end) {
      const error = attempt.error instanceof Error ? ` (${attempt.error.message})` : ''
      throw new Error(`not within ${withinMs / 1_000} s: ${what}${error}\n${seen()}`)
    }
    await delay(150)
  }
}
