import { Stalled, Waiting } from '../lib/verdict.ts'
import type { ExternalResource, Health } from './contract.ts'

/** What converging one resource gave. */
export interface Converged {
  readonly health: Health
  readonly observed: unknown
  /** What was changed; empty when nothing was written. */
  readonly changed: readonly string[]
}

/**
 * Looks at a resource, makes it so if it is absent or different, and looks again at an answer from after the write.
 * Throws Stalled for a refused change before anything is written, and Waiting when the write does not show yet.
 */
export async function converge(
  resource: ExternalResource,
  now: () => number,
  signal: AbortSignal,
): Promise<Converged> {
  const found = await resource.observe(signal)
  const changes = found === undefined ? [] : resource.diff(found)
  const refused = changes.find((change) => change.refused)?.refused
  if (refused) throw new Stalled(refused.reason, refused.message)
  if (found !== undefined && changes.length === 0) {
    return { health: resource.health(found), observed: found, changed: [] }
  }
  await resource.apply(found, changes, signal)
  // What somebody else asked while it was written may not show it.
  const after = await resource.observe(signal, now())
  if (after === undefined)
    throw new Waiting('NotThereYet', `${name(resource)} was made and does not show yet`, 1_000)
  return {
    health: resource.health(after),
    observed: after,
    changed:
      found === undefined
        ? [`${name(resource)} created`]
        : changes.map(({ what }) => `${name(resource)}: ${what}`),
  }
}

const name = ({ id }: ExternalResource): string => `${id.kind} ${id.name}`
