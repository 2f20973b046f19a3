import { databaseObjectName } from '../../api/names.ts'
import type { Finding } from '../preflight.ts'
import type { PreflightFacts } from './preflight-facts.ts'
import { HEARTBEAT_PREFIX } from './settings.ts'

/** Read-only incremental snapshots and a slot's wal_status begin here. */
const OLDEST = 13
/** Failover slots begin here. */
const FAILOVER_FROM = 17

/** What is wrong with a server or with the connector's role on it. Pure. */
export function serverFindings(
  facts: Pick<PreflightFacts, 'spec' | 'role' | 'slot' | 'server' | 'database' | 'ourSlots'>,
): readonly Finding[] {
  const { spec, server, database, role } = facts
  const major = Math.floor(server.version / 10_000)
  const error = (is: boolean, check: string, found: string, remedy: string): readonly Finding[] =>
    is ? [{ check, level: 'Error', found, remedy }] : []
  return [
    ...error(
      major < OLDEST,
      'VersionTooOld',
      `PostgreSQL is version ${major}`,
      `upgrade to ${OLDEST} or later`,
    ),
    ...error(
      major < FAILOVER_FROM && spec.postgres?.slot?.failover === 'Enabled',
      'FailoverNotSupported',
      `PostgreSQL ${major} keeps no slots on standbys`,
      `set postgres.slot.failover to Disabled, or upgrade to ${FAILOVER_FROM} or later`,
    ),
    ...error(
      database.walLevel !== 'logical',
      'WalLevelNotLogical',
      `wal_level is ${database.walLevel}`,
      'ALTER SYSTEM SET wal_level = logical, then restart the server',
    ),
    ...error(
      server.standby,
      'ServerIsStandby',
      'the server is a standby',
      'set postgres.host to the primary',
    ),
    ...error(
      !server.mayReplicate,
      'RoleMayNotReplicate',
      `role ${role} may not read the log`,
      `ALTER ROLE ${role} REPLICATION; on RDS: GRANT rds_replication TO ${role}`,
    ),
    ...capacityFindings(facts),
    ...pathFindings(facts),
    ...writerFindings(facts),
    ...neighbourFindings(facts),
  ]
}

function capacityFindings({
  server,
  database,
  slot,
}: Pick<PreflightFacts, 'server' | 'database' | 'slot'>): readonly Finding[] {
  const own = database.slots.get(slot)
  const findings: Finding[] = []
  if (!own && !server.slotFree) {
    findings.push({
      check: 'NoFreeSlot',
      level: 'Error',
      found: 'every replication slot is in use',
      remedy: 'drop one that nobody needs, or raise max_replication_slots and restart the server',
    })
  }
  if (!own?.active && !server.senderFree) {
    findings.push({
      check: 'NoFreeWalSender',
      level: 'Error',
      found: 'every WAL sender is in use',
      remedy: 'raise max_wal_senders and restart the server',
    })
  }
  if (server.keepSize === '-1') {
    findings.push({
      check: 'LogUnbounded',
      level: 'Warning',
      found: 'max_slot_wal_keep_size is not set: a slot that nobody reads fills the disk',
      remedy: `ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf()`,
    })
  }
  return findings
}

/** What stands between us and the server. */
function pathFindings({ spec, server }: Pick<PreflightFacts, 'spec' | 'server'>): readonly Finding[] {
  const { host = '', tls } = spec.postgres ?? {}
  const warn = (check: string, found: string, remedy: string): Finding => ({
    ...{ check, level: 'Warning', found, remedy },
  })
  return [
    ...(server.pooled
      ? [
          warn(
            'PoolerInPath',
            `a pooler, such as PgBouncer, answers at ${host}: the log cannot be read through most of them`,
            'set postgres.host and port to the server itself',
          ),
        ]
      : []),
    ...(!server.tls && (tls?.mode ?? 'prefer') === 'prefer'
      ? [
          warn(
            'NotEncrypted',
            'the server offers no TLS, so that passwords and rows pass in the clear',
            'ALTER SYSTEM SET ssl = on with a certificate, and postgres.tls.mode: require; or accept it with tls.mode: disable',
          ),
        ]
      : []),
  ]
}

/** The making of a slot waits for every transaction that has written. */
function writerFindings({ database, slot }: Pick<PreflightFacts, 'database' | 'slot'>): readonly Finding[] {
  const [first] = database.longWriters
  if (!first || database.slots.has(slot)) return []
  const others = database.longWriters.length - 1
  const since = first.since ? ` since ${first.since}` : ''
  return [
    {
      check: 'LongTransaction',
      level: 'Warning',
      found: `the slot cannot be made until the transaction of ${first.user} (pid ${first.pid}, open${since}) ends${others > 0 ? `, and ${others} more` : ''}`,
      remedy: `SELECT pg_terminate_backend(${first.pid}), or wait for its end`,
    },
  ]
}

/** Logical messages reach every slot of a database. */
function neighbourFindings({
  spec,
  server,
  database,
  slot,
  ourSlots,
}: Pick<PreflightFacts, 'spec' | 'server' | 'database' | 'slot' | 'ourSlots'>): readonly Finding[] {
  // A Source that is not known here, as to a laptop, is told by its publication's mark.
  const marked = new Set(server.marks.map(slotOfMark))
  const foreign = [...database.slots.values()]
    .filter((other) => other.database === spec.postgres?.database && other.name !== slot)
    .filter(({ name }) => !ourSlots.has(name) && !marked.has(name))
    .map(({ name }) => name)
    .sort()
  if (foreign.length === 0) return []
  return [
    {
      check: 'ForeignSlots',
      level: 'Warning',
      found: `our heartbeat messages also reach ${foreign.slice(0, 5).join(', ')}${foreign.length > 5 ? ' and others' : ''}`,
      remedy: `set message.prefix.exclude.list=${HEARTBEAT_PREFIX} at what reads it`,
    },
  ]
}

/** The slot of the Source whose mark this is, where it bears the default name. */
function slotOfMark(mark: string): string {
  const [, namespace = '', name = ''] = mark.split('/')
  return databaseObjectName({ namespace, name })
}
