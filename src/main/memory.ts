import { setFlagsFromString } from 'node:v8'

/** By how much more than what lives V8's old generation grows before it is collected. */
const GROWING_PERCENT = 30

/**
 * Has V8 collect sooner, for some processor time: by default the heap of a process that mostly waits doubles before
 * anything is given back. In one run with 1,000 objects it took 224 MiB instead of 335.
 */
export function collectSoon(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`)
}
