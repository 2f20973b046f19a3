import type { Backbone } from '../api/backbone.ts'
import type { Resource } from '../api/common.ts'
import { type ConnectClient, createConnectClient } from '../clients/connect.ts'
import { createKafkaAdmin } from '../clients/kafka/admin.ts'
import { createKafkaLog } from '../clients/kafka/log.ts'
import type { KafkaAdmin, KafkaConnection, KafkaLog } from '../clients/kafka/types.ts'
import type { ClientPool } from '../clients/pool.ts'
import type { Detached } from '../external/detached.ts'
import type { StageReport } from '../external/drive.ts'
import type { SharedPolls } from '../external/polls.ts'
import type { Board } from '../lag/board.ts'
import type { Trail } from '../lag/trail.ts'
import { hashOf } from '../lib/json.ts'
import { durationMs } from '../lib/time.ts'
import { Stalled, Waiting } from '../lib/verdict.ts'
import { hasAll, type Keeper, type SecretData } from './keeper.ts'

/** Reads a Secret's data, decoded; undefined when there is none. */
export type ReadSecret = (
  namespace: string,
  name: string,
  signal: AbortSignal,
) => Promise<SecretData | undefined>

/** What all controllers share. */
export interface Services {
  /** Prefix of our marks; by default the uid of kube-system. */
  readonly installation: string
  readonly backbone: (key: string) => Backbone | undefined
  readonly readSecret: ReadSecret
  /** Where what cleanup needs is kept; absent, nothing is. */
  readonly keeper?: Keeper
  /** What a Secret (namespace/name) that was looked for is taken to be; absent, as it was found. */
  readonly orKept?: (
    key: string,
    keys: readonly string[],
    found: SecretData | undefined,
  ) => SecretData | undefined
  readonly pool: ClientPool
  readonly polls: SharedPolls
  readonly detached: Detached
  readonly board: Board
  /** Where the log of a database server, named by its address, has been. */
  readonly trail: (server: string) => Trail
  readonly now: () => number
}

/** A user of shared polls: kind and key of an object. */
export const userOf = (kind: string, key: string): string => `${kind}:${key}`

/** namespace/name of an object. */
export const keyOf = ({ metadata }: Resource<unknown, unknown>): string =>
  `${metadata.namespace}/${metadata.name}`

/** Secrets are read one by one: to watch them would take the right to list them all. */
const SECRETS = { key: 'secrets', everyMs: 10_000, mostPerSecond: 50 } as const

/**
 * A Secret's data for one user, who is woken within 10 s of a change, or later where there are more than 500 of them: 50 are
 * read a second. Throws Waiting when it or a key is missing.
 */
export async function requireSecret(
  { polls, readSecret, orKept = (_key, _keys, found) => found }: Services,
  wanted: {
    readonly namespace: string
    readonly name: string
    readonly keys: readonly string[]
    readonly user: string
  },
  signal: AbortSignal,
): Promise<SecretData> {
  const { namespace, name, keys, user } = wanted
  const poll = {
    ...SECRETS,
    name: `${namespace}/${name}`,
    ask: (asked: AbortSignal, which: string) => {
      const [space = '', one = ''] = which.split('/')
      return readSecret(space, one, asked)
    },
    fingerprint: (data: SecretData | undefined) => hashOf(data ?? null),
  }
  const cached = await polls.read(poll, user, signal)
  // What is missing may have been made just now: ask again rather than wait for the next round.
  const found = hasAll(cached, keys) ? cached : await polls.read(poll, user, signal, Date.now() - 2_000)
  const data = orKept(`${namespace}/${name}`, keys, found)
  if (!data) {
    throw new Waiting(
      'SecretNotFound',
      `Secret ${name} is not in namespace ${namespace}: create it with ${keys.join(' and ')}`,
      3_000,
    )
  }
  const missing = keys.filter((key) => !data[key])
  if (missing.length > 0) {
    throw new Waiting('SecretKeyMissing', `Secret ${name} lacks ${missing.join(' and ')}: add it`, 3_000)
  }
  return data
}

/** The Kafka of a Backbone. */
export interface KafkaOf {
  readonly admin: KafkaAdmin
  readonly log: KafkaLog
  /** Names this Kafka among polls. */
  readonly address: string
  readonly connection: KafkaConnection
}

/** The Backbone that an object names; throws Waiting when it is missing. */
export function requireBackbone(services: Services, namespace: string, name: string): Backbone {
  const backbone = services.backbone(`${namespace}/${name}`)
  if (!backbone) {
    throw new Waiting(
      'BackboneNotFound',
      `Backbone ${name} is not in namespace ${namespace}: create it, or correct spec.backboneRef.name`,
      30_000,
    )
  }
  return backbone
}

/** Opens a Backbone's Kafka with its login; connects when first used. */
export async function openKafka(
  services: Services,
  backbone: Backbone,
  user: string,
  signal: AbortSignal,
): Promise<KafkaOf> {
  const { namespace } = backbone.metadata
  const { bootstrapServers, tls, sasl } = backbone.spec.kafka
  const secret = (name: string, keys: readonly string[]) =>
    requireSecret(services, { namespace, name, keys, user }, signal)
  const caKey = tls?.caSecretRef?.key ?? 'ca.crt'
  const ca = tls?.caSecretRef ? (await secret(tls.caSecretRef.name, [caKey]))[caKey] : undefined
  const client = tls?.clientCertificateSecretRef
    ? await secret(tls.clientCertificateSecretRef.name, ['tls.crt', 'tls.key'])
    : undefined
  const login = sasl ? await secret(sasl.credentialsSecretRef.name, ['username', 'password']) : undefined
  const connection: KafkaConnection = {
    bootstrapServers,
    clientId: 'penstock-operator',
    ...(tls ? { tls: { ...(ca ? { ca } : {}), ...pair(client) } } : {}),
    ...(sasl && login
      ? {
          sasl: {
            mechanism: sasl.mechanism,
            username: login['username'] ?? '',
            password: login['password'] ?? '',
          },
        }
      : {}),
  }
  return {
    admin: services.pool.get('kafka', connection, createKafkaAdmin),
    log: services.pool.get('kafka-log', connection, createKafkaLog),
    address: bootstrapServers.join(','),
    connection,
  }
}

const pair = (client: SecretData | undefined) =>
  client?.['tls.crt'] && client['tls.key'] ? { cert: client['tls.crt'], key: client['tls.key'] } : {}

/** Kafka Connect's own default of offset.flush.interval.ms. */
const DEFAULT_OFFSET_FLUSH = '60s'

/** The Connect of a Backbone. */
export interface ConnectOf {
  readonly client: ConnectClient
  readonly url: string
  /** Milliseconds after which its workers have stored a position. */
  readonly offsetFlushMs: number
  /** How a connector's setting refers to a key of a Secret. */
  readonly secretReference: (namespace: string, name: string, key: string, value: string) => string
}

/** Opens a Backbone's Connect; throws Stalled when it names none. */
export function openConnect(services: Services, backbone: Backbone): ConnectOf {
  const external = backbone.spec.connect?.external
  if (!external) {
    throw new Stalled(
      'NoConnect',
      `Backbone ${backbone.metadata.name} names no Kafka Connect, and this needs one: set spec.connect`,
    )
  }
  const { url, secrets, offsetFlushInterval = DEFAULT_OFFSET_FLUSH } = external
  return {
    client: services.pool.get('connect', { url }, createConnectClient),
    url,
    offsetFlushMs: durationMs(offsetFlushInterval),
    secretReference: (namespace, name, key, value) =>
      secrets.type === 'Inline' ? value : fillTemplate(secrets.template ?? '', { namespace, name, key }),
  }
}

/** Present where connectors hold passwords themselves. */
export function secretsCondition({ spec }: Backbone): readonly StageReport[] {
  if (spec.connect?.external?.secrets.type !== 'Inline') return []
  const message =
    'connectors hold their passwords themselves, and whoever can ask Kafka Connect can read them: set connect.external.secrets of the Backbone to type Template'
  return [
    {
      condition: 'SecretsProtected',
      verdict: { type: 'Waiting', reason: 'Inline', message, afterMs: 60_000 },
    },
  ]
}

const fillTemplate = (template: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, value), template)
