import type { Backbone } from '../../api/backbone.ts'
import { connectorName, defaultTopicPrefix, ownerMark } from '../../api/names.ts'
import type { Source } from '../../api/source/index.ts'
import { connectVerdict, findConnector } from '../../external/connector.ts'
import { forgetPosition } from '../../external/connector-stop.ts'
import type { ResourceId } from '../../external/contract.ts'
import { COMMON_FAILURES, type KnownFailure } from '../../external/failures.ts'
import { whilePaused } from '../../external/paused.ts'
import type { RestartBudget } from '../../external/restarts.ts'
import { kafkaVerdict, writtenQuestion } from '../../external/topics.ts'
import { hashOf } from '../../lib/json.ts'
import { Stalled } from '../../lib/verdict.ts'
import type { Claim, Reach, SourceDatabase, SourceType } from '../../sources/type.ts'
import {
  type ConnectOf,
  type KafkaOf,
  keyOf,
  openConnect,
  openKafka,
  requireBackbone,
  requireSecret,
  type Services,
  userOf,
} from '../services.ts'
import { kafkaClientSettings } from './client-settings.ts'
import { figuresSeen, recordFigures } from './lag.ts'

/** What Sources need besides what all controllers share. */
export interface SourceServices extends Services {
  readonly types: readonly SourceType[]
  /** Sources of which this is one of the {@link claimsOf}, on whatever server. */
  readonly claiming: (claim: string) => readonly Source[]
  /** By namespace/name. */
  readonly source: (key: string) => Source | undefined
  readonly restarts: RestartBudget
  /** Where this process reaches databases, if elsewhere than the spec says. */
  readonly reach?: Reach
}

/** A Source with everything that it refers to. */
export interface OpenSource {
  readonly source: Source
  readonly user: string
  readonly topicPrefix: string
  readonly backbone: Backbone
  readonly kafka: KafkaOf
  readonly connect: ConnectOf
  readonly database: SourceDatabase
  /** What a trace of the connector may tell of. */
  readonly failures: readonly KnownFailure[]
  /** What of the database's server only this Source may use. */
  readonly claims: readonly Claim[]
}

/** What the names of a Source's topics begin with. */
export const topicPrefixOf = ({ metadata, spec }: Source): string =>
  spec.topics?.prefix ?? defaultTopicPrefix(metadata)

/** What a Source needs for itself: its topics, and what its type of database claims. */
export function claimsOf(types: readonly SourceType[], source: Source): readonly string[] {
  const type = types.find((candidate) => candidate.type === source.spec.type)
  return [topicClaim(topicPrefixOf(source)), ...(type?.claims(source).map(({ id }) => claimTerm(id)) ?? [])]
}

/** How a claim on this is written. */
export const claimTerm = ({ kind, name }: ResourceId): string => `${kind} ${name}`

/** The claim on the topics of a prefix. */
export const topicClaim = (prefix: string): string => `topics ${prefix}.*`

/** Resolves what a Source refers to; throws verdicts. */
export async function openSource(
  services: SourceServices,
  source: Source,
  signal: AbortSignal,
): Promise<OpenSource> {
  const { metadata, spec } = source
  const user = userOf('Source', keyOf(source))
  const backbone = requireBackbone(services, metadata.namespace, spec.backboneRef.name)
  const kafka = await openKafka(services, backbone, user, signal)
  const connect = openConnect(services, backbone)
  const type = services.types.find((candidate) => candidate.type === spec.type)
  if (!type) throw new Stalled('UnknownType', `this version of Penstock knows no Source of type ${spec.type}`)
  const topicPrefix = topicPrefixOf(source)
  const name = connectorName(metadata)
  const owner = ownerMark(services.installation, metadata)
  const database = await type.open(
    {
      source,
      owner,
      topicPrefix,
      polls: services.polls,
      pool: services.pool,
      user,
      now: services.now,
      history: services.board.of(user),
      shown: () => (services.source(keyOf(source)) ?? source).status,
      claiming: (id) => services.claiming(claimTerm(id)),
      ...(services.reach ? { reach: services.reach } : {}),
      secret: (secretName, keys, asked) =>
        requireSecret(services, { namespace: metadata.namespace, name: secretName, keys, user }, asked),
      secretReference: (secretName, key, value) =>
        connect.secretReference(metadata.namespace, secretName, key, value),
      offsets: (asked, after) => {
        const poll = offsetsPoll(connect, name)
        const answer =
          after === undefined
            ? services.polls.recent(poll, user, asked, OFFSETS_AGE_MS)
            : services.polls.read(poll, user, asked, after)
        return answer.catch(connectVerdict(connect.url))
      },
      offsetFlushMs: connect.offsetFlushMs,
      silenceOf: silenceOf(services, kafka, user),
      trail: services.trail,
      note: (figures) => {
        recordFigures(services.board, user, figures)
        return figuresSeen(services.board, services.source(keyOf(source)) ?? source, user)
      },
      kafka: {
        ...kafka,
        clientSettings: kafkaClientSettings(backbone, kafka.connection, connect.secretReference),
      },
      connector: (asked) => findConnector({ ...services, ...connect, user }, name, asked),
      detached: (what, act) =>
        services.detached
          .run(`${connect.url} ${name}`, `${what} connector ${name}`, act)
          .catch(connectVerdict(connect.url)),
      forgetPosition: (meanwhile, asked) =>
        forgetPosition({ ...services, ...connect, user }, { name, owner }, meanwhile, asked),
      whilePaused: (work, asked) => whilePaused(connect.client, name, work, asked),
    },
    signal,
  )
  const failures = [...type.failures, ...COMMON_FAILURES]
  const claims = type.claims(source)
  return { source, user, topicPrefix, backbone, kafka, connect, database, failures, claims }
}

/** How old a stored position that is looked at may be: what is older hides for as long that Connect is away. */
const OFFSETS_AGE_MS = 4_000

/** Connect reads the whole topic of offsets for each answer: between looks, it is asked seldom. */
const offsetsPoll = ({ client, url }: ConnectOf, name: string) => ({
  key: `offsets ${url}`,
  name,
  everyMs: 60_000,
  ask: (signal: AbortSignal, connector: string) => client.offsets(connector, signal),
  fingerprint: (offsets: readonly unknown[] | undefined) => String(offsets?.length ?? 'none'),
})

/** Seconds for which a topic has got no record, as far as looks at its end have told. */
const silenceOf =
  ({ polls, board }: Services, { address, admin }: KafkaOf, user: string) =>
  async (topic: string, limitSeconds: number, signal: AbortSignal): Promise<number> => {
    const seconds = (written: ReadonlyMap<string, bigint>) => {
      const end = written.get(topic)
      return end === undefined ? 0 : board.stillMs(user, topic, end) / 1_000
    }
    const interest = {
      names: [topic],
      fingerprint: (written: ReadonlyMap<string, bigint>) => String(seconds(written) > limitSeconds),
    }
    const question = writtenQuestion(address, admin)
    return seconds(await polls.readEach(question, interest, user, signal).catch(kafkaVerdict))
  }

/** Part of the epoch of views on a Source's topics: changes when the database behind it does. */
export function sourceEpoch(source: Source): string {
  return hashOf([source.metadata.uid, source.status?.identity?.database ?? ''])
}
