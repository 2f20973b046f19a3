import { hasApiError } from '../clients/kafka/errors.ts'
import type { KafkaAdmin } from '../clients/kafka/types.ts'
import { Waiting } from '../lib/verdict.ts'
import type { ExternalResource } from './contract.ts'
import { kafkaVerdict } from './topics.ts'

/** A consumer group: its members make it, we take it away. */
export function consumerGroup(admin: KafkaAdmin, name: string): ExternalResource<object> {
  return {
    id: { kind: 'ConsumerGroup', name },
    observe: async () => ({}),
    diff: () => [],
    health: () => ({ type: 'Ready' }),
    apply: async () => undefined,
    remove: async (signal) => {
      await admin.deleteGroup(name, signal).catch((error: unknown) => {
        if (hasApiError(error, 'NON_EMPTY_GROUP')) {
          throw new Waiting('GroupInUse', `consumer group ${name} still has members`, 2_000)
        }
        kafkaVerdict(error)
      })
    },
  }
}
