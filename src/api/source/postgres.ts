import { z } from 'zod'

import { duration, localRef, secretKeyRef } from '../common.ts'
import { explained, immutable, rules, text } from '../crd/schema.ts'

const identifier = () =>
  rules(text(63), {
    rule: "self.matches('^[a-z0-9_]{1,63}$')",
    message: 'use a-z, 0-9 and _, at most 63 characters',
  })

const tls = z.object({
  mode: explained(
    z.enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']).optional(),
    'As libpq’s sslmode. Default: prefer.',
  ),
  caSecretRef: secretKeyRef('the certificate authority', 'ca.crt').optional(),
})

/** What a Source of type Postgres says. */
export const postgres = z.object({
  host: explained(
    text(253),
    'May change, as in a failover: the database’s identity is checked, not its name.',
  ),
  port: z.int().min(1).max(65_535).optional(),
  database: text(63),
  tls: tls.optional(),
  credentialsSecretRef: localRef('Secret with username and password of the connector’s role'),
  adminCredentialsSecretRef: explained(
    localRef('Secret').optional(),
    'username and password of the role that makes the publication and drops the slot; by default the connector’s role.',
  ),
  slot: explained(
    z
      .object({
        name: identifier().optional(),
        managementPolicy: explained(
          z.enum(['Managed', 'External']).optional(),
          'Managed (default): watched, and dropped with the Source. External: watched alone.',
        ),
        failover: explained(
          z.enum(['Enabled', 'Disabled']).optional(),
          'Enabled: a slot that is made from now on is kept on standbys too (PostgreSQL 17, sync_replication_slots). Default: Disabled.',
        ),
      })
      .optional(),
    'The replication slot. Default name: from namespace and name. Debezium makes it, we watch and drop it.',
  ),
  publication: z
    .object({
      name: identifier().optional(),
      managementPolicy: explained(
        z.enum(['Managed', 'External']).optional(),
        'Managed (default): made, kept and dropped by us. External: yours.',
      ),
    })
    .optional(),
  heartbeat: explained(
    z.object({ interval: duration().optional() }).optional(),
    'How often a logical message moves the slot on, also where no table changes. Default: 10s.',
  ),
})
export type PostgresSpec = z.infer<typeof postgres>

/** Paths below spec that never change, with the remedy. */
export const postgresImmutable = [
  immutable('postgres.database', 'offsets of one database mean nothing in another: make another Source'),
  immutable('postgres.slot.name', 'the position is in the slot: make another Source'),
  immutable('postgres.publication.name', 'make another Source'),
]

/** What the status says about the slot. */
export const postgresStatus = () => ({
  slot: z
    .object({
      name: text(63),
      active: z.boolean().optional(),
      walStatus: text(20).optional(),
      retainedBytes: explained(z.int().optional(), 'Log that the database keeps for it, in steps.'),
      safeBytes: explained(
        z.int().optional(),
        'Log that may still be written before it can be lost, in steps; absent where nothing bounds it.',
      ),
      headroom: explained(text(100).optional(), 'When it would be lost at the present rate, in words.'),
      idleSince: explained(text(40).optional(), 'While nobody reads it.'),
      confirmedLsn: explained(text(20).optional(), 'Where it stands, while nobody reads it.'),
      catalogAge: explained(
        z.int().optional(),
        'Transactions whose catalogue rows it keeps from vacuum, in steps.',
      ),
      blockingPid: explained(
        z.int().optional(),
        'The process whose transaction has to end before the slot can be made.',
      ),
    })
    .optional(),
})
