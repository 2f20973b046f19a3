import { expect, it } from 'vitest'
import { COMMON_FAILURES, failureOf } from '../../external/failures.ts'
import { POSTGRES_FAILURES } from './failures.ts'

const DEBEZIUM = 'io.debezium.DebeziumException: '
const POSTGRES = `${DEBEZIUM}Couldn't start\n\tat x\nCaused by: org.postgresql.util.PSQLException: `

it.each([
  [
    `${DEBEZIUM}The connector is trying to read change stream starting at PostgresOffsetContext [], but this is no longer available on the server. Reconfigure the connector to use a snapshot mode when needed.`,
    'SlotMissing',
    'ByHand',
  ],
  [`${POSTGRES}ERROR: can no longer get changes from replication slot "a"`, 'SlotLost', 'ByHand'],
  [
    `${POSTGRES}ERROR: requested WAL segment 000000010000000000000001 has already been removed`,
    'SlotLost',
    'ByHand',
  ],
  [
    `${DEBEZIUM}Unable to obtain valid replication slot. Make sure there are no long-running`,
    'SlotLost',
    'ByHand',
  ],
  [`${POSTGRES}ERROR: replication slot "a" is active for PID 27426`, 'SlotInUse', 'ByItself'],
  [`${POSTGRES}ERROR: all replication slots are in use`, 'NoFreeSlot', 'ByHand'],
  [
    `${DEBEZIUM}Publication autocreation is disabled, please create one and restart the connector.`,
    'PublicationMissing',
    'ByItself',
  ],
  [`${POSTGRES}FATAL: password authentication failed for user "a"`, 'AuthenticationFailed', 'ByHand'],
  [`${POSTGRES}FATAL: no pg_hba.conf entry for host "10.0.0.1"`, 'AuthenticationFailed', 'ByHand'],
  [`${POSTGRES}ERROR: permission denied for table orders`, 'PrivilegeMissing', 'ByHand'],
  [
    `${POSTGRES}ERROR: must be superuser or replication role to start walsender`,
    'PrivilegeMissing',
    'ByHand',
  ],
  [`${POSTGRES}ERROR: relation "public.orders" does not exist`, 'TableNotFound', 'ByHand'],
  [
    "Encountered change event for table a whose schema isn't known to this connector",
    'SchemaUnknown',
    'ByHand',
  ],
  [
    `${DEBEZIUM}The connector previously stopped while taking a snapshot, but now the connector is configured to never allow snapshots.`,
    'SnapshotInterrupted',
    'ByHand',
  ],
  [
    'java.lang.NullPointerException: Cannot invoke "java.lang.Long.compareTo(java.lang.Long)" because "eventTxId" is null',
    'MessageNotTransactional',
    'ByHand',
  ],
  [`${POSTGRES}FATAL: sorry, too many clients already`, 'TooManyConnections', 'ByItself'],
  [`${POSTGRES}FATAL: terminating connection due to administrator command`, 'ConnectionLost', 'ByItself'],
  [`${POSTGRES}FATAL: the database system is starting up`, 'ConnectionLost', 'ByItself'],
  [`${POSTGRES}Connection to db:5432 refused. Check that the hostname`, 'ConnectionLost', 'ByItself'],
  // What is not the database's is Kafka's or Connect's.
  ['org.apache.kafka.common.errors.RecordTooLargeException: x', 'RecordTooLarge', 'ByHand'],
])('%s', (trace, reason, heals) => {
  expect(failureOf(trace, [...POSTGRES_FAILURES, ...COMMON_FAILURES])).toMatchObject({ reason, heals })
})
