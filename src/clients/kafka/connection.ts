import type { BaseOptions } from '@platformatic/kafka'

import type { KafkaConnection } from './types.ts'

/** Options of every @platformatic/kafka client for one Kafka: addresses, identity and credentials. */
export function clientOptions(
  connection: KafkaConnection,
): Pick<BaseOptions, 'clientId' | 'bootstrapBrokers' | 'tls' | 'sasl'> {
  const { tls, sasl } = connection
  return {
    clientId: connection.clientId,
    bootstrapBrokers: [...connection.bootstrapServers],
    ...(tls ? { tls: { ...tls } } : {}),
    ...(sasl ? { sasl: { ...sasl } } : {}),
  }
}
