import type { Source, SourceStatus } from '../../api/source/index.ts'
import type { ExternalResource } from '../../external/contract.ts'
import { kafkaVerdict } from '../../external/topics.ts'
import { equal } from '../../lib/json.ts'
import { Stalled } from '../../lib/verdict.ts'
import type { Claim } from '../../sources/type.ts'
import { clusterPoll } from '../backbone.ts'
import { keyOf } from '../services.ts'
import { claimTerm, type OpenSource, type SourceServices, topicClaim } from './open.ts'

/** A part of a Source's identity. */
export type Side = keyof NonNullable<SourceStatus['identity']>

interface Identified {
  readonly reason: string
  readonly what: string
  now(services: SourceServices, open: OpenSource, signal: AbortSignal): Promise<string>
}

const SIDES: Readonly<Record<Side, Identified>> = {
  database: {
    reason: 'DifferentDatabase',
    what: 'database',
    now: (_services, { database }, signal) => database.identity(signal),
  },
  kafkaClusterId: {
    reason: 'DifferentKafka',
    what: 'Kafka cluster',
    now: async ({ polls }, { kafka, user }, signal) => {
      const poll = clusterPoll(kafka.address, kafka.admin)
      return (await polls.read(poll, user, signal).catch(kafkaVerdict)).clusterId
    },
  },
  connectUrl: {
    reason: 'DifferentConnect',
    what: 'Kafka Connect',
    now: async (_services, { connect }) => connect.url,
  },
}

/** Offsets of one database, Kafka or Connect must never meet another: nothing outside is touched. */
export async function refuseAnother(
  services: SourceServices,
  open: OpenSource,
  signal: AbortSignal,
  sides: readonly Side[] = ['database', 'kafkaClusterId', 'connectUrl'],
): Promise<void> {
  const known = open.source.status?.identity
  if (!known) return
  for (const side of sides) {
    const { reason, what, now } = SIDES[side]
    const found = await now(services, open, signal)
    if (found === known[side]) continue
    throw new Stalled(
      reason,
      `this is another ${what} (${found}, it was ${known[side]}), in which the stored position means nothing: put the former address back, or make another Source`,
    )
  }
}

/** A thing that is not looked for on another server than the one on which it was made. */
export function unlessAnother(
  services: SourceServices,
  open: OpenSource,
  side: Side,
  member: ExternalResource,
): ExternalResource {
  return {
    ...member,
    remove: async (signal) => {
      await refuseAnother(services, open, signal, [side])
      await member.remove(signal)
    },
  }
}

/** Two Sources that would write the same topics: the oldest has them. */
export function refuseSharedTopics(
  services: SourceServices,
  { source, topicPrefix, kafka }: OpenSource,
): void {
  for (const other of services.claiming(topicClaim(topicPrefix))) {
    if (other.metadata.uid === source.metadata.uid) continue
    const backbone = services.backbone(`${other.metadata.namespace}/${other.spec.backboneRef.name}`)
    if (backbone?.spec.kafka.bootstrapServers.join(',') !== kafka.address || !isOlder(other, source)) continue
    throw new Stalled(
      'TopicTaken',
      `Source ${keyOf(other)} already writes topics ${topicPrefix}.*: set another topics.prefix`,
    )
  }
}

/** Two Sources that would share what only one can have: the oldest has it. */
export async function refuseTaken(
  services: SourceServices,
  open: OpenSource,
  signal: AbortSignal,
): Promise<void> {
  for (const claim of open.claims) {
    const taken = await takenBy(services, open, claim, signal)
    if (!taken) continue
    throw new Stalled(
      claim.reason,
      `${claim.id.kind} ${claim.id.name} belongs to Source ${keyOf(taken)}, which is older: delete that, or make another Source with another name for it`,
    )
  }
}

/** A thing that is left where it is when it belongs to an older Source. */
export function unlessTaken(
  services: SourceServices,
  open: OpenSource,
  member: ExternalResource,
): ExternalResource {
  const claim = open.claims.find(({ id }) => equal(id, member.id))
  if (!claim) return member
  return {
    ...member,
    remove: async (signal) => {
      if (!(await takenBy(services, open, claim, signal))) await member.remove(signal)
    },
  }
}

/** The older Source on the same server that claims the same; one that has no identity yet is known by its address. */
async function takenBy(
  { claiming, types }: SourceServices,
  { source, database }: OpenSource,
  { id, server }: Claim,
  signal: AbortSignal,
): Promise<Source | undefined> {
  const older = claiming(claimTerm(id)).filter(
    (other) => other.metadata.uid !== source.metadata.uid && isOlder(other, source),
  )
  if (older.length === 0) return undefined
  const identity = await database.identity(signal)
  const serversOf = (other: Source) =>
    types
      .flatMap((type) => (type.type === other.spec.type ? type.claims(other) : []))
      .map((claim) => claim.server)
  return older.find((other) =>
    other.status?.identity ? other.status.identity.database === identity : serversOf(other).includes(server),
  )
}

const isOlder = (a: Source, b: Source): boolean =>
  [a.metadata.creationTimestamp, a.metadata.uid].join() <
  [b.metadata.creationTimestamp, b.metadata.uid].join()
