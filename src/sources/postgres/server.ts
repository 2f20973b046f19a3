import type { Finding } from '../preflight.ts'
import type { PreflightFacts } from './facts.ts'
import { HEARTBEAT_PREFIX } from './settings.ts'

/** Read-only incremental snapshots and a slot's wal_status begin here. */
const OLDEST = 13

/** What is wrong with a server or with the connector's role on it. Pure. */
export function serverFindings(
  facts: Pick<PreflightFacts, 'spec' | 'role' | 'slot' | 'server' | 'database'>,
): readonly Finding[] {
  const { server, database, role } = facts
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

/** Logical messages reach every slot of a database. */
function neighbourFindings({
  spec,
  server,
  database,
  slot,
}: Pick<PreflightFacts, 'spec' | 'server' | 'database' | 'slot'>): readonly Finding[] {
  const foreign = [...database.slots.values()]
    .filter((other) => other.database === spec.postgres?.database && other.name !== slot)
    .filter(({ name }) => !server.ours.includes(name))
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
