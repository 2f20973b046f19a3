import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { KafkaConnection } from '../clients/kafka/types.ts'
import type { KafkaAccess } from '../contracts/workload.ts'

/** Reads the secrets that a workload's Kafka access names; throws when a file cannot be read. */
export async function readKafkaAccess(access: KafkaAccess, clientId: string): Promise<KafkaConnection> {
  const { bootstrapServers, tls, sasl } = access
  return {
    bootstrapServers,
    clientId,
    ...(tls
      ? {
          tls: {
            ...(tls.caFile ? { ca: await readFile(tls.caFile, 'utf8') } : {}),
            ...(tls.certFile ? { cert: await readFile(tls.certFile, 'utf8') } : {}),
            ...(tls.keyFile ? { key: await readFile(tls.keyFile, 'utf8') } : {}),
          },
        }
      : {}),
    ...(sasl
      ? {
          sasl: {
            mechanism: sasl.mechanism,
            username: await readLine(join(sasl.credentialsDir, 'username')),
            password: await readLine(join(sasl.credentialsDir, 'password')),
          },
        }
      : {}),
  }
}

/** Editors and `echo` end a file with a line break that is no part of the secret. */
const readLine = async (path: string): Promise<string> => (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
