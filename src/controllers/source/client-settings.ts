import type { Backbone } from '../../api/backbone.ts'
import type { KafkaConnection } from '../../clients/kafka/types.ts'
import type { ConnectOf } from '../services.ts'

/** Kafka's own settings (clients 4.3) of a consumer within Connect that logs in as a Backbone does, its secrets as references. */
export function kafkaClientSettings(
  { metadata, spec }: Backbone,
  { tls, sasl }: KafkaConnection,
  secretReference: ConnectOf['secretReference'],
): Readonly<Record<string, string>> {
  const { kafka } = spec
  const reference = (secret: string, key: string, value: string | undefined) =>
    secretReference(metadata.namespace, secret, key, value ?? '')
  const protocol = `${sasl ? 'SASL_' : ''}${tls ? 'SSL' : 'PLAINTEXT'}`
  const certificate = kafka.tls?.clientCertificateSecretRef?.name
  const login = kafka.sasl?.credentialsSecretRef.name
  return {
    ...(protocol === 'PLAINTEXT' ? {} : { 'security.protocol': protocol }),
    ...(tls?.ca ? { 'ssl.truststore.type': 'PEM', 'ssl.truststore.certificates': tls.ca } : {}),
    ...(tls && certificate
      ? {
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.certificate.chain': reference(certificate, 'tls.crt', tls.cert),
          'ssl.keystore.key': reference(certificate, 'tls.key', tls.key),
        }
      : {}),
    ...(sasl && login
      ? {
          'sasl.mechanism': sasl.mechanism,
          'sasl.jaas.config': `${MODULES[sasl.mechanism]} required username="${reference(login, 'username', sasl.username)}" password="${reference(login, 'password', sasl.password)}";`,
        }
      : {}),
  }
}

const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule'
const MODULES: Readonly<Record<NonNullable<KafkaConnection['sasl']>['mechanism'], string>> = {
  PLAIN: 'org.apache.kafka.common.security.plain.PlainLoginModule',
  'SCRAM-SHA-256': SCRAM,
  'SCRAM-SHA-512': SCRAM,
}
