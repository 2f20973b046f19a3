import type { Source } from '../../api/source/index.ts'
import type { ExternalResource } from '../../external/contract.ts'
import { kafkaVerdict } from '../../external/topics.ts'
import { equal } from '../../lib/json.ts'
import { Stalled } from '../../lib/verdict.ts'
import type { Claim } from '../../sources/type.ts'
import { clusterPoll } from '../backbone.ts'
import { keyOf } from '../services.ts'
import { claimTerm, type OpenSource, type SourceServices, topicClaim } from './open.ts'

/** Offsets of one database, Kafka or Connect must never meet another: nothing outside is touched. */
export async function refuseAnother(
  services: SourceServices,
  open: OpenSource,
  signal: AbortSignal,
): Promise<void> {
  const known = open.source.status?.identity
  if (!known) return
  const database = await open.database.identity(signal)
  const { clusterId } = await services.polls
    .read(clusterPoll(open.kafka.address, open.kafka.admin), open.user, signal)
    .catch(kafkaVerdict)
  const differences = [
    ['DifferentDatabase', 'database', known.database, database],
    ['DifferentKafka', 'Kafka cluster', known.kafkaClusterId, clusterId],
    ['DifferentConnect', 'Kafka Connect', known.connectUrl, open.connect.url],
  ] as const
  for (const [reason, what, before, now] of differences) {
    if (before === now) continue
    throw new Stalled(
      reason,
      `this is another ${what} (${now}, it was ${before}), in which the stored position means nothing: put the former address back, or make another Source`,
    )
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
