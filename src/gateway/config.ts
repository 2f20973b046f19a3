import { z } from 'zod'

import type { GatewayConfig } from '../contracts/gateway.ts'

const text = z.string().min(1)
const kafka = z.object({
  bootstrapServers: z.array(text).min(1),
  tls: z.object({ caFile: text.optional(), certFile: text.optional(), keyFile: text.optional() }).optional(),
  sasl: z
    .object({ mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']), credentialsDir: text })
    .optional(),
})
const columnType = z.enum([
  'bool',
  'int32',
  'int64',
  'decimal',
  'double',
  'string',
  'json',
  'bytes',
  'time',
  'array',
])
const input = z.object({
  name: text,
  topic: text,
  format: z.enum(['Debezium', 'Row']),
  key: z.array(text),
  columns: z.record(text, columnType).optional(),
  epoch: z.string(),
})
const view = z.object({
  name: text,
  input,
  fields: z.array(text).optional(),
  index: z.array(text),
  allow: text.optional(),
  mode: z.enum(['Latest', 'All']),
})
const auth = z.union([
  z.object({ type: z.literal('Anonymous') }),
  z.object({ type: z.literal('JWT'), issuer: text, audience: text.optional(), jwksUrl: z.url() }),
])
const config = z.object({
  version: z.literal(1),
  hash: text,
  pipeline: z.object({ namespace: text, name: text }),
  kafka,
  views: z.array(view).max(64),
  auth,
  allowedOrigins: z.array(text),
})

/** Reads a gateway's configuration; throws an Error with one sentence that names the place when it is unusable. */
export function parseGatewayConfig(json: string): GatewayConfig {
  const parsed = config.safeParse(JSON.parse(json))
  // Optional fields of zod may be undefined; JSON has no undefined, so they never are.
  if (parsed.success) return parsed.data as GatewayConfig
  const [issue] = parsed.error.issues
  throw new Error(`${issue?.path.join('.') || 'the configuration'}: ${issue?.message ?? 'is not valid'}`)
}
