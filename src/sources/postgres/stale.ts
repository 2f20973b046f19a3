import { connectorName } from '../../api/names.ts'
import type { Source } from '../../api/source/index.ts'
import type { Health } from '../../external/contract.ts'

/** A position from an earlier life that cannot be read on. */
export const STALE_OFFSETS = 'StaleOffsetsFound'
/** Of these, a Source that has never copied its rows has lost nothing itself. */
const OF_EARLIER: readonly string[] = ['SlotMissing', 'OffsetBehindSlot']

/** Whether the Source has never copied its rows: what is stored by then is of an earlier connector of its name. */
export const isFirstRun = ({ status }: Source): boolean => status?.snapshot?.state !== 'Completed'

/** What a slot beside its stored position comes to before the first run. */
export function beforeFirstRun({ metadata, spec }: Source, slotName: string, found: Health): Health {
  if (found.type !== 'Broken') return found
  if (found.reason === 'SlotExistsBeforeSnapshot' && spec.snapshot?.mode === 'Never')
    return {
      type: 'Ready',
      reason: 'SlotFound',
      message: `the stream begins where slot ${slotName} stands, which has to be younger than the publication`,
    }
  if (found.reason === 'SlotExistsBeforeSnapshot' && spec.adoptionPolicy === 'Adopt')
    return {
      type: 'Ready',
      reason: 'Adopted',
      message: `slot ${slotName} is compared with the offsets of an earlier connector before the first start`,
    }
  if (!OF_EARLIER.includes(found.reason)) return found
  const drop = found.reason === 'SlotMissing' ? '' : `, and SELECT pg_drop_replication_slot('${slotName}')`
  return {
    type: 'Broken',
    reason: STALE_OFFSETS,
    message: `Kafka Connect holds offsets of an earlier connector ${connectorName(metadata)}, and slot ${slotName} ${
      found.reason === 'SlotMissing' ? 'is not there' : 'stands beyond them'
    }: changes between would be skipped, and the connector is stopped. To begin with a snapshot: DELETE /connectors/${connectorName(metadata)}/offsets of Kafka Connect${drop}`,
  }
}
