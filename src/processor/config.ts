import { z } from 'zod'

import type { ProcessorConfig } from '../contracts/processor.ts'
import { kafkaAccess, topicInput } from '../contracts/schema.ts'

const text = z.string().min(1)
const step = z.union([
  z.strictObject({ filter: text }),
  z.strictObject({ map: z.record(text, text) }),
  z.strictObject({ drop: z.array(text) }),
  z.strictObject({ key: text }),
  z.strictObject({ reduce: z.object({ latest: z.strictObject({}) }) }),
])
const flow = z.object({
  name: text,
  group: text,
  as: z.enum(['Table', 'Stream']),
  start: z.enum(['Earliest', 'Latest']),
  events: z.array(z.enum(['c', 'u', 'd', 'r'])),
  inputs: z.array(topicInput).min(1),
  steps: z.array(step),
  output: z.object({ topic: text, partitions: z.int().min(1) }),
  state: z.union([
    z.object({ type: z.literal('None') }),
    z.object({ type: z.literal('Output') }),
    z.object({ type: z.literal('Topic'), topic: text }),
  ]),
})
const config = z.object({
  version: z.literal(1),
  hash: text,
  pipeline: z.object({ namespace: text, name: text }),
  kafka: kafkaAccess,
  flows: z.array(flow).max(32),
})

/** Reads a processor's configuration; throws an Error with one sentence that names the place when it is unusable. */
export function parseProcessorConfig(json: string): ProcessorConfig {
  const parsed = config.safeParse(JSON.parse(json))
  // Optional fields of zod may be undefined; JSON has no undefined, so they never are.
  if (parsed.success) return parsed.data as ProcessorConfig
  const [issue] = parsed.error.issues
  throw new Error(`${issue?.path.join('.') || 'the configuration'}: ${issue?.message ?? 'is not valid'}`)
}
