import type { KafkaAccess, TopicInput } from './workload.ts'

/** One step of a flow: exactly one verb. Texts are CEL over `row`, `before`, `op`, `ts` and `key`. */
export type Step =
  | { readonly filter: string }
  | { readonly map: Readonly<Record<string, string>> }
  | { readonly drop: readonly string[] }
  | { readonly key: string }
  | { readonly reduce: { readonly latest: Record<string, never> } }

/** A flow as the processor runs it: everything is resolved, nothing is defaulted here. */
export interface FlowConfig {
  readonly name: string
  /** Consumer group, one per flow. */
  readonly group: string
  readonly as: 'Table' | 'Stream'
  readonly start: 'Earliest' | 'Latest'
  /** Operations that a Stream takes: c, u, d, r as in the change event. */
  readonly events: readonly ('c' | 'u' | 'd' | 'r')[]
  readonly inputs: readonly TopicInput[]
  readonly steps: readonly Step[]
  readonly output: { readonly topic: string; readonly partitions: number }
  /** None: stateless. Output: the compacted output is the state. Topic: a compacted topic of its own holds it. */
  readonly state:
    | { readonly type: 'None' }
    | { readonly type: 'Output' }
    | { readonly type: 'Topic'; readonly topic: string }
}

/** The file `config.json` that the operator writes for a processor; readers ignore fields that they do not know. */
export interface ProcessorConfig {
  readonly version: 1
  readonly hash: string
  readonly pipeline: { readonly namespace: string; readonly name: string }
  readonly kafka: KafkaAccess
  readonly flows: readonly FlowConfig[]
}
