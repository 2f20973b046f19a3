import { type FirstStep, settle } from './steps.ts'

const WINDOW_MS = 120_000
/** Of what is sampled seldom, the worst is taken of more than two minutes. */
const LEAST_SAMPLES = 12
const STALE_MS = 60_000
const MOVE_EVERY_MS = 30_000
/** Samples closer together than this count as one. */
const SAMPLE_EVERY_MS = 4_000

/** The recent samples of one figure, oldest first, by time and by value: plain numbers, since there are many of them. */
export interface Series {
  readonly at: number[]
  readonly values: number[]
  /** What the status shows, and since when. */
  shown: number | undefined
  shownAt: number
  over: boolean
}

/** A series without samples. */
export const createSeries = (): Series => ({ at: [], values: [], shown: undefined, shownAt: 0, over: false })

/** Adds a sample; one that comes too soon takes the place of the last. */
export function addSample(series: Series, now: number, value: number): void {
  const { at, values } = series
  if (now - (at.at(-1) ?? Number.NEGATIVE_INFINITY) < SAMPLE_EVERY_MS) {
    values[values.length - 1] = value
    return
  }
  at.push(now)
  values.push(value)
  while (at.length > LEAST_SAMPLES && (at[0] ?? now) < now - WINDOW_MS) {
    at.shift()
    values.shift()
  }
}

/** The latest sample; undefined when there is none from the last minute. */
export function latestOf({ at, values }: Series, now: number): number | undefined {
  return now - (at.at(-1) ?? Number.NEGATIVE_INFINITY) < STALE_MS ? values.at(-1) : undefined
}

/** Whether the figure is above its threshold, which three samples in a row raise and two clear. */
export function isOver(series: Series, threshold: number): boolean {
  const { values } = series
  const above = (count: number) => ofLast(values, count, (value) => value > threshold)
  const below = (count: number) => ofLast(values, count, (value) => value <= threshold)
  if (!series.over && above(3)) series.over = true
  else if (series.over && below(2)) series.over = false
  return series.over
}

/** What the status should show, given what it shows: the worst in steps, moved at most every 30 s, and down by twelve samples. */
export function publishedOf(
  series: Series,
  now: number,
  shown: number | undefined,
  first: FirstStep,
): number | undefined {
  if (latestOf(series, now) === undefined) return shown
  if (shown !== series.shown) Object.assign(series, { shown, shownAt: now })
  if (shown !== undefined && now - series.shownAt < MOVE_EVERY_MS) return shown
  const next = settle(shown, Math.max(...series.values), first)
  if (shown === undefined) Object.assign(series, { shown: next, shownAt: now })
  // After a start, little is known of what was shown for a reason.
  return next < (shown ?? 0) && series.values.length < LEAST_SAMPLES ? shown : next
}

/** How fast the figure changes, a second; undefined where less than `spanMs` is known. */
export function slopeOf(series: Series, now: number, spanMs: number): number | undefined {
  const { at, values } = series
  const [from = 0, to = 0] = [at[0], at.at(-1)]
  if (latestOf(series, now) === undefined || to - from < spanMs) return undefined
  return ((values.at(-1) ?? 0) - (values[0] ?? 0)) / ((to - from) / 1_000)
}

function ofLast(values: readonly number[], count: number, is: (value: number) => boolean): boolean {
  if (values.length < count) return false
  for (let index = values.length - count; index < values.length; index++)
    if (!is(values[index] ?? Number.NaN)) return false
  return true
}
