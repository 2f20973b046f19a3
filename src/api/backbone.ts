import { z } from 'zod'

import {
  duration,
  localRef,
  partitions,
  type Resource,
  secretKeyRef,
  statusBase,
  topicConfig,
} from './common.ts'
import { AGE_COLUMN, type KindDefinition, READY_COLUMNS } from './crd/definition.ts'
import { explained, rules, setOf, text, unionRules } from './crd/schema.ts'

const bootstrapServer = rules(text(300), {
  rule: "self.matches('^[^ ,:/]+:[0-9]{1,5}$')",
  message: 'write host:port',
  messageExpression: `'"' + self + '" is no broker address: write host:port'`,
})

const tls = z.object({
  caSecretRef: secretKeyRef('the certificate authority', 'ca.crt').optional(),
  clientCertificateSecretRef: explained(
    localRef('Secret with tls.crt and tls.key').optional(),
    'The client certificate to log in with.',
  ),
})

const sasl = z.object({
  mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
  credentialsSecretRef: localRef('Secret with the keys username and password'),
})

const kafka = z.object({
  bootstrapServers: explained(setOf(bootstrapServer, 20).min(1), 'Addresses of brokers, host:port.'),
  tls: explained(tls.optional(), 'Present where the listener is TLS; {} trusts the system’s authorities.'),
  sasl: sasl.optional(),
})

const connectSecrets = rules(
  z.object({
    type: z.enum(['Template', 'Inline']),
    template: explained(
      text(500).optional(),
      'How a worker’s config provider is referred to; {namespace}, {name} and {key} are filled in, e.g. ${secrets:{namespace}/{name}:{key}}.',
    ),
  }),
  {
    rule: "self.type != 'Template' || (has(self.template) && self.template.contains('{key}'))",
    message: 'type Template needs template, with {name} and {key} in it',
    fieldPath: '.template',
    reason: 'FieldValueRequired',
  },
  {
    rule: "self.type == 'Template' || !has(self.template)",
    message: 'template goes with type Template only',
    fieldPath: '.template',
    reason: 'FieldValueForbidden',
  },
)

const external = z.object({
  url: explained(
    rules(text(500), {
      rule: "isURL(self) && url(self).getScheme() in ['http', 'https']",
      message: 'write an address like http://connect:8083',
      messageExpression: `'"' + self + '" is no address: write it like http://connect:8083'`,
    }),
    'The REST API of the Connect cluster.',
  ),
  secrets: explained(
    connectSecrets,
    'How connectors get at passwords: by the workers’ config provider, or inline.',
  ),
  offsetFlushInterval: explained(
    duration().optional(),
    'offset.flush.interval.ms of the workers, by default 60s as theirs: a Source’s lag cannot be known finer than that.',
  ),
})

const connect = rules(
  z.object({
    type: explained(z.enum(['External']), 'External: a Connect cluster that somebody else runs.'),
    external: external.optional(),
  }),
  ...unionRules(['External']),
)

const spec = z.object({
  kafka,
  connect: explained(connect.optional(), 'The Kafka Connect that runs the connectors.'),
  topicDefaults: explained(
    z
      .object({
        partitions: partitions().optional(),
        replicationFactor: z.int().min(1).max(32).optional(),
        config: topicConfig().optional(),
      })
      .optional(),
    'For topics that do not say otherwise. Without it: 6 partitions, and the broker’s own replication factor.',
  ),
})

const status = z.object({
  ...statusBase(),
  kafka: z.object({ clusterId: text(100), brokers: z.int() }).optional(),
  connect: z.object({ version: text(100), plugins: setOf(text(300), 20).optional() }).optional(),
})

export type BackboneSpec = z.infer<typeof spec>
export type BackboneStatus = z.infer<typeof status>
export type Backbone = Resource<BackboneSpec, BackboneStatus>

/** The kind Backbone. */
export const backboneKind: KindDefinition = {
  kind: 'Backbone',
  plural: 'backbones',
  singular: 'backbone',
  shortNames: ['bb'],
  description: 'The Kafka and the Kafka Connect that Sources and Pipelines stand on.',
  maxNameLength: 63,
  spec,
  status,
  columns: [
    ...READY_COLUMNS,
    { name: 'Kafka', type: 'string', jsonPath: '.status.conditions[?(@.type=="KafkaReachable")].status' },
    { name: 'Connect', type: 'string', jsonPath: '.status.conditions[?(@.type=="ConnectReachable")].status' },
    AGE_COLUMN,
  ],
  selectableFields: [],
}
