const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds of a duration such as `30s`, `1h30m` or `7d`; throws a RangeError for any other text. */
export function durationMs(text: string): number {
  if (!/^([0-9]+(ms|s|m|h|d))+$/.test(text)) {
    throw new RangeError(
      `"${text}" is no duration: write a whole number and one of ms, s, m, h, d, like 30s, 12h or 7d`,
    )
  }
  return [...text.matchAll(/([0-9]+)(ms|s|m|h|d)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0),
    0,
  )
}

/** Waits `ms` milliseconds; returns early, without throwing, when the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}

/** The wait before try number `attempt` (from 0): anything up to a bound that doubles from `base` to `cap` milliseconds. */
export function backoffMs(attempt: number, base: number, cap: number, random: () => number): number {
  return Math.min(cap, base * 2 ** Math.min(attempt, 30)) * random()
}

/** A signal that aborts when `signal` does, or after `ms` milliseconds. */
export function withTimeout(signal: AbortSignal, ms: number): AbortSignal {
  // It takes whole milliseconds alone, which a difference of clocks is not.
  return AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(ms))])
}

/**
 * Runs something with a signal that aborts when `signal` does, or after `ms` milliseconds. Nothing of it stays: a signal of
 * {@link withTimeout} lives until its time is up, however soon the call has ended, and thousands of them are work for the collector.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  run: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const limited = new AbortController()
  const end = () => limited.abort(signal.reason)
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  const timer = setTimeout(() => limited.abort(new Error(`not within ${ms} ms`)), ms)
  try {
    return await run(limited.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
