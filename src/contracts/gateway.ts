import type { KafkaAccess, TopicInput } from './workload.ts'

/** A view as the gateway serves it. */
export interface ViewConfig {
  readonly name: string
  readonly input: TopicInput
  /** Fields that leave the gateway; absent: all. */
  readonly fields?: readonly string[]
  /** Fields that a client may select by. */
  readonly index: readonly string[]
  /** CEL over `row` and `claims`; absent: every authenticated client. Denies when it throws. */
  readonly allow?: string
  readonly mode: 'Latest' | 'All'
}

/** Who may connect. */
export type GatewayAuth =
  | { readonly type: 'Anonymous' }
  | { readonly type: 'JWT'; readonly issuer: string; readonly audience?: string; readonly jwksUrl: string }

/** The file `config.json` that the operator writes for a gateway; readers ignore fields that they do not know. */
export interface GatewayConfig {
  readonly version: 1
  readonly hash: string
  readonly pipeline: { readonly namespace: string; readonly name: string }
  readonly kafka: KafkaAccess
  readonly views: readonly ViewConfig[]
  readonly auth: GatewayAuth
  /** Origins that browsers may come from; `*` means any. */
  readonly allowedOrigins: readonly string[]
}
