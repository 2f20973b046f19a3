import type { KnownFailure } from '../../external/failures.ts'

/** How a Debezium PostgreSQL connector fails. What it retries by itself (every SQLException of a stream) shows RUNNING instead. */
export const POSTGRES_FAILURES: readonly KnownFailure[] = [
  {
    trace: /no longer available on the server/,
    reason: 'SlotMissing',
    heals: 'ByHand',
    remedy:
      'the slot is gone or was made anew: set snapshot.mode to WhenNeeded, or delete this Source and make it again, to take a new snapshot',
    origin: 'Debezium 3.6, seen where the slot was dropped while stopped',
  },
  {
    trace:
      /can no longer get changes from replication slot|requested WAL segment .* has already been removed|Unable to obtain valid replication slot/,
    reason: 'SlotLost',
    heals: 'ByHand',
    remedy:
      'the database has thrown away log that the slot needed (max_slot_wal_keep_size): set snapshot.mode to WhenNeeded, or delete this Source and make it again, to take a new snapshot',
    origin: 'PostgreSQL 13–17, 55000; Debezium 3.6 after 900 attempts to get the slot',
  },
  {
    trace: /replication slot "[^"]*" is active for PID/,
    reason: 'SlotInUse',
    heals: 'ByItself',
    remedy: 'another process reads the slot: SELECT active_pid FROM pg_replication_slots',
    origin: 'PostgreSQL, 55006',
  },
  {
    trace: /all replication slots are in use/,
    reason: 'NoFreeSlot',
    heals: 'ByHand',
    remedy: 'drop a slot that nobody needs, or raise max_replication_slots and restart the server',
    origin: 'PostgreSQL, 53400',
  },
  {
    trace: /Publication autocreation is disabled|publication "[^"]*" does not exist/,
    reason: 'PublicationMissing',
    heals: 'ByItself',
    remedy: 'the publication is made again, unless its managementPolicy is External',
    origin: 'Debezium 3.6, seen with publication.autocreate.mode=disabled; PostgreSQL, 42704',
  },
  {
    trace:
      /password authentication failed|no pg_hba\.conf entry|role "[^"]*" (does not exist|is not permitted)/,
    reason: 'AuthenticationFailed',
    heals: 'ByHand',
    remedy:
      'put the right username and password into the Secret of credentialsSecretRef, or correct pg_hba.conf',
    origin: 'PostgreSQL, 28P01 and 28000',
  },
  {
    trace: /permission denied for|must be (superuser|owner|replication role)/,
    reason: 'PrivilegeMissing',
    heals: 'ByHand',
    remedy: 'GRANT USAGE ON SCHEMA and SELECT ON TABLE what it names to the connector’s role',
    origin: 'PostgreSQL, 42501',
  },
  {
    trace: /relation "[^"]*" does not exist/,
    reason: 'TableNotFound',
    heals: 'ByHand',
    remedy: 'create the table, or correct spec.tables',
    origin: 'PostgreSQL, 42P01',
  },
  {
    trace: /whose schema isn't known to this connector/,
    reason: 'SchemaUnknown',
    heals: 'ByHand',
    remedy: 'delete this Source and make it again to take a new snapshot',
    origin: 'Debezium, EventDispatcher',
  },
  {
    trace: /previously stopped while taking a snapshot/,
    reason: 'SnapshotInterrupted',
    heals: 'ByHand',
    remedy: 'take snapshot.mode out of connector.config, or delete this Source and make it again',
    origin: 'Debezium, PostgresConnectorTask',
  },
  {
    trace: /"eventTxId" is null/,
    reason: 'MessageNotTransactional',
    heals: 'ByHand',
    remedy:
      'an application writes logical messages outside transactions, which an incremental snapshot does not survive: call pg_logical_emit_message(true, …) there',
    origin: 'Debezium 3.6, seen in PostgresReadOnlyIncrementalSnapshotContext',
  },
  {
    trace: /too many clients already|remaining connection slots are reserved/,
    reason: 'TooManyConnections',
    heals: 'ByItself',
    remedy: 'raise max_connections, or close connections that nobody needs',
    origin: 'PostgreSQL, 53300',
  },
  {
    trace:
      /terminating connection due to|the database system is (starting up|shutting down|in recovery mode)|An I\/O error occurred while sending|This connection has been closed|Connection to \S+ refused|The connection attempt failed/,
    reason: 'ConnectionLost',
    heals: 'ByItself',
    remedy: 'see that the database runs and that the worker reaches it',
    origin: 'PostgreSQL, 57P01 and 57P03; pgjdbc, 08001, 08003 and 08006',
  },
]
