/** The first step of a figure that is above 0: seconds begin at 1, bytes at 1 MiB. */
export type FirstStep = 1 | 1_048_576

/**
 * The step that a figure is shown as: 0, then 1, 2, 5, 10, 20, 50 … times the first step, the next one up.
 * A figure in steps changes seldom, and a status that seldom changes is seldom written.
 */
export function stepOf(value: number, first: FirstStep): number {
  const index = indexOf(value, first)
  return index === 0 ? 0 : valueAt(index - 1, first)
}

/** What to show, given what is shown: the new step only when it is two steps or more away, or when it reaches 0. */
export function settle(shown: number | undefined, value: number, first: FirstStep): number {
  const next = stepOf(value, first)
  if (shown === undefined) return next
  const distance = Math.abs(indexOf(next, first) - indexOf(shown, first))
  return distance >= 2 || (next === 0 && shown !== 0) ? next : shown
}

const MANTISSA = [1, 2, 5] as const

const valueAt = (index: number, first: FirstStep): number =>
  (MANTISSA[index % 3] ?? 1) * 10 ** Math.floor(index / 3) * first

function indexOf(value: number, first: FirstStep): number {
  if (value < first / 2) return 0
  let index = 0
  while (valueAt(index, first) < value) index++
  return index + 1
}
