import { createDetached, type Detached } from '../detached.ts'
import { createSharedPolls, type SharedPolls } from '../polls.ts'

/** Shared polls and detached writes as resources find them, for as long as a test runs. */
export interface Surroundings {
  readonly polls: SharedPolls
  readonly now: () => number
  readonly detached: Detached
  readonly user: string
  /** Users that a changed answer woke. */
  readonly woken: string[]
}

/** Fresh surroundings that stop when the signal aborts. */
export function surroundings(signal: AbortSignal): Surroundings {
  const woken: string[] = []
  return {
    now: Date.now,
    polls: createSharedPolls({ wake: (user) => void woken.push(user), now: Date.now }, signal),
    detached: createDetached(() => undefined, signal),
    user: 'Source:ns/shop',
    woken,
  }
}
