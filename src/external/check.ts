import type { ExternalResource, Health } from './contract.ts'

/** A member of a stage that only looks: it is never made, and stands in no ledger. */
export function check<Found extends Health>(
  name: string,
  look: (signal: AbortSignal) => Promise<Found>,
): ExternalResource<Found> {
  return {
    id: { kind: 'Check', name },
    observe: (signal) => look(signal),
    diff: () => [],
    health: (found) => found,
    apply: async () => undefined,
    remove: async () => undefined,
  }
}
