import { z } from 'zod'

import {
  duration,
  label,
  localRef,
  partitions,
  type Resource,
  retentionRules,
  runState,
  statusBase,
  topicName,
  topicPolicy,
} from './common.ts'
import { AGE_COLUMN, type KindDefinition, READY_COLUMNS } from './crd/definition.ts'
import {
  exactlyOne,
  explained,
  foreignObject,
  keyed,
  mapOf,
  type Rule,
  rules,
  sequence,
  setOf,
  text,
  unionRules,
} from './crd/schema.ts'

const celText = () => text(2_048)

const input = rules(
  z.object({
    name: label(),
    sourceRef: localRef('Source').optional(),
    table: explained(text(127).optional(), 'schema.table of the Source.'),
    topic: explained(topicName().optional(), 'A topic of the Backbone that no Source of ours writes.'),
    format: explained(
      z.enum(['Debezium', 'Row']).optional(),
      'How a topic’s values are written: Debezium (default) envelopes, or Row: the row itself.',
    ),
  }),
  exactlyOne('an input', ['sourceRef', 'topic']),
  {
    rule: 'has(self.sourceRef) == has(self.table)',
    message: 'sourceRef and table go together',
    fieldPath: '.table',
    reason: 'FieldValueRequired',
  },
  {
    rule: 'has(self.topic) || !has(self.format)',
    message: 'format goes with topic only',
    fieldPath: '.format',
    reason: 'FieldValueForbidden',
  },
)

const step = rules(
  z.object({
    name: label().optional(),
    filter: explained(celText().optional(), 'CEL; a row that it is false for leaves.'),
    map: explained(mapOf(celText(), 200).optional(), 'Field → CEL: the new row.'),
    drop: explained(setOf(text(63), 200).optional(), 'Fields to leave out.'),
    key: explained(celText().optional(), 'CEL, a string: the new key.'),
    reduce: explained(
      z.object({ latest: z.object({}).optional() }).optional(),
      'One row a key. latest: the last by commit time.',
    ),
  }),
  exactlyOne('a step', ['filter', 'map', 'drop', 'key', 'reduce']),
  {
    rule: '!has(self.reduce) || has(self.reduce.latest)',
    message: 'reduce has exactly one of latest',
    fieldPath: '.reduce',
    reason: 'FieldValueRequired',
  },
)

const flow = z.object({
  name: label(),
  from: explained(setOf(label(), 16).min(1), 'Names of inputs.'),
  as: explained(
    z.enum(['Table', 'Stream']).optional(),
    'Table: a function of the present rows. Stream: of the events. Default: Table where the input’s topic keeps the latest, else Stream.',
  ),
  start: explained(z.enum(['Earliest', 'Latest']).optional(), 'For its first run. Default: Earliest.'),
  events: explained(
    setOf(z.enum(['Insert', 'Update', 'Delete', 'Read']), 4).optional(),
    'What a Stream takes. Default: Insert, Update, Read.',
  ),
  steps: sequence(step, 32).optional(),
  to: explained(
    rules(
      z.object({
        topic: topicName().optional(),
        policy: topicPolicy().optional(),
        retention: duration().optional(),
        partitions: partitions().optional(),
      }),
      ...retentionRules,
    ).optional(),
    'The output topic. Default: namespace.pipeline.flow, policy Latest, as many partitions as the input.',
  ),
})

const view = z.object({
  name: label(),
  from: explained(setOf(label(), 1).min(1), 'One input or flow.'),
  fields: explained(setOf(text(63), 200).optional(), 'Fields that leave the gateway. Default: all.'),
  index: explained(setOf(text(63), 16).optional(), 'Fields that a client may select by.'),
  allow: explained(
    celText().optional(),
    'CEL over row and claims; who may see the row. Denies when it throws.',
  ),
  mode: explained(
    z.enum(['Latest', 'All']).optional(),
    'Latest (default): the last value a key. All: every event.',
  ),
})

const jwt = z.object({
  issuer: text(500),
  audience: text(500).optional(),
  jwksUrl: rules(text(500), {
    rule: 'isURL(self)',
    message: 'write an address like https://id.example.com/jwks',
  }),
})

const auth = rules(
  z.object({ type: z.enum(['JWT', 'Anonymous']), jwt: jwt.optional() }),
  ...unionRules(['JWT']),
)

const processor = z.object({
  type: z.enum(['Builtin']).optional(),
  replicas: explained(z.int().min(0).max(64).optional(), 'Default: 1.'),
  resources: foreignObject().optional(),
})

const gateway = z.object({
  replicas: explained(z.int().min(0).max(64).optional(), 'Default: 1.'),
  service: z
    .object({
      type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).optional(),
      port: z.int().min(1).max(65_535).optional(),
    })
    .optional(),
  auth: explained(auth.optional(), 'Who may connect. Default: Anonymous.'),
  allowedOrigins: explained(
    setOf(text(300), 50).optional(),
    'Origins that browsers may come from. Default: none.',
  ),
  resources: foreignObject().optional(),
})

/** A "let" in CEL is a list of one; it keeps the cost within the budget at 64 inputs × 64 flows × 16 names. */
function readsKnown(list: 'flows' | 'views', one: string, names: string): Rule {
  const missing = `self.${list}.map(f, !sets.contains(names, f.from), f.from.map(n, !(n in names), '${one} ' + f.name + ' reads from ' + n + ', which is neither an input nor a flow')[0])[0]`
  return {
    rule: `!has(self.${list}) || [${names}].all(names, self.${list}.all(f, sets.contains(names, f.from)))`,
    message: `every ${one} reads from an input or a flow`,
    messageExpression: `[${names}].map(names, ${missing})[0]`,
    fieldPath: `.${list}`,
    reason: 'FieldValueForbidden',
  }
}
const NAMES = '(self.inputs.map(i, i.name) + (has(self.flows) ? self.flows.map(f, f.name) : []))'

const spec = rules(
  z.object({
    backboneRef: localRef('Backbone'),
    state: explained(runState().default('Running'), 'Paused and Stopped: no processor runs; views go on.'),
    inputs: explained(keyed(input, 64, 'name').min(1), 'What the flows and views read.'),
    flows: explained(keyed(flow, 32, 'name').optional(), 'What the processor computes.'),
    views: explained(keyed(view, 64, 'name').optional(), 'What the gateway serves.'),
    processor: processor.optional(),
    gateway: gateway.optional(),
    thresholds: z.object({ lag: duration().optional() }).optional(),
    onDelete: explained(
      z
        .object({
          outputs: z.enum(['Retain', 'Delete']).optional(),
          state: z.enum(['Retain', 'Delete']).optional(),
          groups: z.enum(['Retain', 'Delete']).optional(),
        })
        .optional(),
      'What becomes of output topics, state topics and consumer groups. Default: Retain, Delete, Delete.',
    ),
  }),
  {
    rule: 'self.backboneRef == oldSelf.backboneRef',
    message: 'backboneRef cannot change: make another Pipeline',
    fieldPath: '.backboneRef',
    reason: 'FieldValueForbidden',
  },
  readsKnown('flows', 'flow', NAMES),
  readsKnown('views', 'view', NAMES),
  {
    rule: '!has(self.flows) || self.flows.all(f, !self.inputs.exists(i, i.name == f.name))',
    message: 'an input and a flow have the same name',
    fieldPath: '.flows',
    reason: 'FieldValueForbidden',
  },
)

const hop = z.object({
  name: label(),
  kind: z.enum(['Source', 'Flow', 'Gateway']),
  seconds: z.int().optional(),
  records: z.int().optional(),
})

const workload = z.object({
  replicas: z.int(),
  ready: z.int(),
  pods: explained(text(20).optional(), 'Ready of all.'),
})

const status = z.object({
  ...statusBase(),
  lag: z
    .object({
      seconds: z.int().optional(),
      records: z.int().optional(),
      slowest: label().optional(),
      hops: keyed(hop, 97, 'kind', 'name').optional(),
    })
    .optional(),
  processor: workload.optional(),
  gateway: workload.extend({ connections: z.int().optional(), url: text(500).optional() }).optional(),
})

export type PipelineSpec = z.infer<typeof spec>
export type PipelineStatus = z.infer<typeof status>
export type PipelineInput = z.infer<typeof input>
export type PipelineFlow = z.infer<typeof flow>
export type PipelineView = z.infer<typeof view>
export type Pipeline = Resource<PipelineSpec, PipelineStatus>

/** The kind Pipeline. */
export const pipelineKind: KindDefinition = {
  kind: 'Pipeline',
  plural: 'pipelines',
  singular: 'pipeline',
  shortNames: ['ppl'],
  description: 'Inputs, the flows that a processor computes from them, and the views that a gateway serves.',
  maxNameLength: 52,
  spec,
  status,
  columns: [
    ...READY_COLUMNS,
    {
      name: 'Lag',
      type: 'integer',
      jsonPath: '.status.lag.seconds',
      description: 'Seconds of the worst path.',
    },
    { name: 'Slowest', type: 'string', jsonPath: '.status.lag.slowest' },
    { name: 'Records', type: 'integer', jsonPath: '.status.lag.records', priority: 1 },
    { name: 'Proc', type: 'string', jsonPath: '.status.processor.pods', priority: 1 },
    { name: 'GW', type: 'string', jsonPath: '.status.gateway.pods', priority: 1 },
    { name: 'Conns', type: 'integer', jsonPath: '.status.gateway.connections', priority: 1 },
    AGE_COLUMN,
  ],
  selectableFields: ['.spec.backboneRef.name', '.spec.state'],
}
