import type { Subscription } from '@penstock/client'

/** How old what you see is, and how much comes: over the last ten seconds. */
export interface Freshness {
  /** Milliseconds from commit to screen. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  readonly changesPerSecond: number
}

const WINDOW_MS = 10_000
/** Samples beyond this many are left out, oldest first. */
const MAX_SAMPLES = 20_000

/** Measures changes of these subscriptions as they are painted; calls `show` twice a second. Gives the way to stop. */
export function measureFreshness(
  subscriptions: readonly Subscription[],
  show: (freshness: Freshness) => void,
): () => void {
  let samples: { readonly at: number; readonly age: number }[] = []
  const stops = subscriptions.map((subscription) =>
    subscription.onDelta((changes) => {
      const committed = changes.map(([, , , , ts]) => ts)
      // The next frame is when the change can be seen.
      requestAnimationFrame(() => {
        const at = Date.now()
        for (const ts of committed) samples.push({ at, age: at - ts })
      })
    }),
  )
  const timer = setInterval(() => {
    const now = Date.now()
    samples = samples.filter(({ at }) => now - at < WINDOW_MS).slice(-MAX_SAMPLES)
    const ages = samples.map(({ age }) => age).sort((a, b) => a - b)
    const quantile = (q: number) => ages[Math.min(ages.length - 1, Math.floor(ages.length * q))]
    show({ p50: quantile(0.5), p99: quantile(0.99), changesPerSecond: samples.length / (WINDOW_MS / 1_000) })
  }, 500)
  return () => {
    clearInterval(timer)
    for (const stop of stops) stop()
  }
}
