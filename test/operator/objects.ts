import { inject } from 'vitest'
import type { BedAddresses } from '../../dev/testing.ts'
import type { BackboneSpec } from '../../src/api/backbone.ts'
import type { Condition } from '../../src/api/common.ts'
import type { SourceSpec } from '../../src/api/source/index.ts'
import type { Seen, World } from './world.ts'

/** A Backbone on the test bed, whose Connect reads passwords from files; `url` is another way to it. */
export const backboneSpec = (url?: string): BackboneSpec => backboneOf(inject('testBed'), url)

/** As {@link backboneSpec}, on this bed. */
export function backboneOf(
  { bootstrapServers, secretsDir, connectUrl }: BedAddresses,
  url: string = connectUrl,
): BackboneSpec {
  return {
    kafka: { bootstrapServers: [...bootstrapServers] },
    connect: {
      type: 'External',
      external: {
        url,
        offsetFlushInterval: '1s',
        secrets: { type: 'Template', template: `\${directory:${secretsDir}/{namespace}/{name}:{key}}` },
      },
    },
    topicDefaults: { partitions: 2, replicationFactor: 1 },
  }
}

/** A Source on the world's database: tables, and whatever a test wants otherwise. */
export function sourceSpec(
  { bed, database }: Pick<World, 'bed' | 'database'>,
  tables: SourceSpec['tables'],
  more: Partial<SourceSpec> = {},
  secret = 'db',
): Omit<SourceSpec, 'state'> & Partial<Pick<SourceSpec, 'state'>> {
  const { host, port } = bed.postgres
  return {
    backboneRef: { name: 'main' },
    type: 'Postgres',
    postgres: {
      host,
      port,
      database,
      credentialsSecretRef: { name: secret },
      heartbeat: { interval: '1s' },
    },
    tables,
    latency: 'Interactive',
    ...more,
  }
}

/** A table of the world, owned by its role, with so many rows. */
export async function createTable(world: World, name: string, rows: number): Promise<void> {
  await world.sql(`CREATE TABLE ${name} (id int primary key, note text)`)
  await world.sql(`ALTER TABLE ${name} OWNER TO ${world.role}`)
  await world.sql(`INSERT INTO ${name} SELECT n, 'row ' || n FROM generate_series(1, ${rows}) n`)
}

/** A condition of an object. */
export function condition(object: Seen | undefined, type: string): Condition | undefined {
  return object?.status?.conditions?.find((candidate) => candidate.type === type)
}

/** Whether the object's Ready is this, for its present generation. */
export const ready =
  (status: Condition['status'], reason?: string) =>
  (object: Seen): boolean => {
    const found = condition(object, 'Ready')
    return (
      found?.status === status &&
      (reason === undefined || found.reason === reason) &&
      found.observedGeneration === object.metadata.generation
    )
  }

/** Whether a condition has this reason. */
export const says =
  (type: string, reason: string) =>
  (object: Seen): boolean =>
    condition(object, type)?.reason === reason
