import { z } from 'zod'

import type { ScalarType } from './workload.ts'

const text = z.string().min(1)

/** Reads a {@link import('./workload.ts').KafkaAccess}. */
export const kafkaAccess = z.object({
  bootstrapServers: z.array(text).min(1),
  tls: z.object({ caFile: text.optional(), certFile: text.optional(), keyFile: text.optional() }).optional(),
  sasl: z
    .object({ mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']), credentialsDir: text })
    .optional(),
})

const SCALAR_TYPES = [
  ...(['bool', 'int32', 'int64', 'decimal', 'double'] as const),
  ...(['string', 'encoded', 'json', 'bytes', 'time'] as const),
] satisfies readonly ScalarType[]
const columnType = z.enum([...SCALAR_TYPES, ...SCALAR_TYPES.map((type) => `${type}[]` as const)])

/** Reads a {@link import('./workload.ts').TopicInput}. */
export const topicInput = z.object({
  name: text,
  topic: text,
  format: z.enum(['Debezium', 'Row']),
  key: z.array(text),
  columns: z.record(text, columnType).optional(),
  epoch: z.string(),
})
