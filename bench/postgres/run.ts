import { describeServer } from '../../dev/control.ts'
import type { BedAddresses } from '../../dev/testing.ts'
import { measureFleet } from './fleet.ts'
import { fill, type Measured, measureSubject, type Size, TABLES } from './measure.ts'
import { makePlace } from './place.ts'
import { debeziumSubject, type PROFILES, sourceSubject } from './subjects.ts'

/** How much is measured, and of what. */
export interface Run extends Size {
  readonly profiles: readonly (typeof PROFILES)[number][]
  readonly sources: number
  readonly restMs: number
}

/** What a run has found: by profile, of the peer, and of the operator. */
export interface Found {
  readonly profiles: ReadonlyMap<string, Measured>
  readonly peer: Measured
  readonly fleet: Measured
}

/** One run on running servers whose API server knows our kinds; nothing of it is left but topics. */
export async function runOnce(
  bed: BedAddresses,
  size: Run,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Found> {
  const { pid } = await describeServer(bed.controlSocket, 'connect', signal)
  if (pid === undefined) throw new Error('Kafka Connect does not run')
  const place = await makePlace(bed, signal)
  try {
    await fill(place, size)
    progress('the database is filled')
    const profiles = new Map<string, Measured>()
    for (const profile of size.profiles) {
      const subject = sourceSubject(place, profile, TABLES)
      profiles.set(profile, await measureSubject(place, pid, subject, size, progress))
    }
    const peer = await measureSubject(place, pid, debeziumSubject(place, TABLES), size, progress)
    const fleet = await measureFleet(place, size.sources, size.restMs)
    return { profiles, peer, fleet }
  } finally {
    await place.close()
  }
}
