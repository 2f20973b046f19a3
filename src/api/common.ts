import { z } from 'zod'

import { explained, intOrString, keyed, mapOf, rules, setOf, text } from './crd/schema.ts'

/** What every object of ours has besides spec and status. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly finalizers?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

/** An object of one of our kinds. */
export interface Resource<Spec, Status> {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly spec: Spec
  readonly status?: Status
}

/** A duration such as 30s, 12h or 7d; parse it with durationMs. */
export const duration = () =>
  rules(text(20), {
    rule: "self.matches('^([0-9]+(ms|s|m|h|d))+$')",
    message: 'write a whole number and one of ms, s, m, h, d, like 30s, 12h or 7d',
    messageExpression: `'"' + self + '" is no duration: write a whole number and one of ms, s, m, h, d, like 30s, 12h or 7d'`,
  })

/** A size such as 10Gi, 500M or a number of bytes. */
export const size = () =>
  rules(intOrString(), {
    rule: 'type(self) == int ? self >= 0 : isQuantity(string(self))',
    message: 'write a size like 10Gi, 500M or a number of bytes',
  })

/** Another object of the same namespace. */
export const localRef = (what: string) =>
  explained(z.object({ name: text(253) }), `The ${what}, in the same namespace.`)

/** One key of a Secret of the same namespace. */
export const secretKeyRef = (what: string, defaultKey: string) =>
  explained(
    z.object({ name: text(253), key: text(253).optional() }),
    `The Secret with ${what}, in the same namespace. Key by default: ${defaultKey}.`,
  )

/** A name within an object: a DNS label. */
export const label = (max = 63) =>
  rules(text(max), {
    rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    message: 'a name is made of a-z, 0-9 and -',
    messageExpression: `'"' + self + '" is no name: use a-z, 0-9 and -'`,
  })

/** A Kafka topic's name. */
export const topicName = () =>
  rules(text(249), {
    rule: "self.matches('^[a-zA-Z0-9._-]+$')",
    message: 'a topic name is made of a-z, A-Z, 0-9, dots, - and _, at most 249 characters',
  })

/** A number of partitions. */
export const partitions = () => z.int().min(1).max(10_000)

/** What happens to a record's predecessors. */
export const topicPolicy = () => z.enum(['Latest', 'History', 'Forever'])
export type TopicPolicy = z.infer<ReturnType<typeof topicPolicy>>

/** Topic settings that a policy stands for; they are refused in `config`. */
const POLICY_SETTINGS = [
  'cleanup.policy',
  'retention.ms',
  'delete.retention.ms',
  'max.compaction.lag.ms',
  'min.cleanable.dirty.ratio',
]

/** Further settings of topics, by Kafka's own names. */
export const topicConfig = () => {
  const owned = `k in [${POLICY_SETTINGS.map((key) => `'${key}'`).join(', ')}]`
  return explained(
    rules(mapOf(intOrString(), 100), {
      rule: `!self.exists(k, ${owned})`,
      message: 'policy and retention set this: take it away here',
      messageExpression: `self.map(k, ${owned}, k + ' is set by policy and retention: take it away here')[0]`,
      reason: 'FieldValueForbidden',
    }),
    'Further topic settings by Kafka’s own names, such as min.insync.replicas.',
  )
}

/** Policy and retention go together in three ways; see the rules' sentences. */
export const retentionRules = [
  {
    rule: "!(has(self.policy) && self.policy == 'Forever' && has(self.retention))",
    message: 'policy Forever keeps everything: take retention away, or choose History',
    fieldPath: '.retention',
    reason: 'FieldValueForbidden',
  },
  {
    rule: "!(has(self.policy) && self.policy == 'History' && !has(self.retention))",
    message: 'policy History needs retention, like 7d',
    fieldPath: '.retention',
    reason: 'FieldValueRequired',
  },
] as const

/** A condition as in metav1. */
export const condition = () =>
  z.object({
    type: text(316),
    status: z.enum(['True', 'False', 'Unknown']),
    reason: text(1_024),
    message: text(32_768),
    lastTransitionTime: z.iso.datetime().meta({ pattern: undefined }),
    observedGeneration: z.int().optional(),
  })
export type Condition = z.infer<ReturnType<typeof condition>>

/** One entry of the ledger: a thing, or a set of things, that exists outside because of this object. */
export const ledgerEntry = () =>
  z.object({ kind: text(63), name: text(253), onRemove: z.enum(['Delete', 'Retain']) })
export type LedgerEntry = z.infer<ReturnType<typeof ledgerEntry>>

/** Fields of every status. */
export const statusBase = () => ({
  observedGeneration: explained(z.int().optional(), 'The generation of the spec that this status speaks of.'),
  conditions: keyed(condition(), 20, 'type').optional(),
  lastHandledReconcileAt: explained(
    text(100).optional(),
    'The value of annotation penstock.dev/reconcile-requested-at at the latest look that was asked for by it.',
  ),
  resources: explained(
    keyed(ledgerEntry(), 50, 'kind', 'name').optional(),
    'What exists outside because of this object, and what its removal does.',
  ),
})

/** Whether the object's work runs. */
export const runState = () => z.enum(['Running', 'Paused', 'Stopped'])

/** Names of things, cut to the first 20. */
export const nameList = () => setOf(text(253), 20)
