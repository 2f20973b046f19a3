import { z } from 'zod'

import type { GatewayConfig } from '../contracts/gateway.ts'
import { kafkaAccess, topicInput } from '../contracts/schema.ts'

const text = z.string().min(1)
const view = z.object({
  name: text,
  input: topicInput,
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
  kafka: kafkaAccess,
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
