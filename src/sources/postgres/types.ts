import type { ColumnType, ScalarType } from '../../contracts/workload.ts'

/**
 * Types by their catalogue names, and how they are read from Debezium's JSON with the settings that we own. A type that
 * is not here is one that Debezium does not know either.
 */
const SCALARS: ReadonlyMap<string, ScalarType> = new Map<string, ScalarType>([
  ...typed('bool', 'bool', 'bit(1)'),
  ...typed('int32', 'int2', 'int4'),
  ...typed('int64', 'int8', 'oid'),
  ...typed('decimal', 'numeric', 'money'),
  ...typed('double', 'float4', 'float8'),
  ...typed('json', 'json', 'jsonb', 'hstore', 'point', 'geometry', 'geography'),
  ...typed('json', 'vector', 'halfvec', 'sparsevec'),
  ...typed('bytes', 'bytea', 'bit', 'varbit'),
  ...typed('time', 'timestamp', 'timestamptz', 'date', 'time'),
  // Debezium gives the time of day in UTC: its Z means something.
  ...typed('string', 'timetz', 'interval'),
  ...typed('string', 'text', 'varchar', 'bpchar', 'char', 'name', 'citext', 'enum', 'uuid', 'xml'),
  ...typed('string', 'inet', 'cidr', 'macaddr', 'macaddr8', 'tsvector', 'ltree'),
  ...typed('string', 'int4range', 'int8range', 'numrange', 'daterange', 'tsrange', 'tstzrange'),
])

/** Arrays that are missing or null in every record, whatever they hold. */
const LOST: ReadonlySet<string> = new Set(
  ['interval', 'money', 'point', 'name', 'xml', 'bit(1)', 'bit', 'varbit'].map((type) => `${type}[]`),
)

/** Types of which a part is lost, and which. */
const LOSSY: ReadonlyMap<string, string> = new Map([
  ['varbit', 'its zeros in front'],
  ['time[]', 'its microseconds'],
  ['timetz[]', 'its fractions of a second'],
])

/** Arrays of which Debezium says when PostgreSQL did not log their value; of others it says null. */
const MARKED_ARRAYS: ReadonlySet<string> = new Set(
  ['text', 'varchar', 'bpchar', 'json', 'jsonb', 'bytea', 'uuid', 'int4', 'int8'].map((type) => `${type}[]`),
)

/** A column's type as the catalogue has it. */
export interface CatalogType {
  /** Name of its type below all domains: `enum` for any enum, `[]` behind that of the elements, `domain[]` for theirs. */
  readonly type: string
  /** Declared dimensions of an array; PostgreSQL does not hold anybody to them. */
  readonly dimensions: number
  /** The column's own type is a domain. */
  readonly domain: boolean
}

/** How a column of this type is read from Debezium's JSON with the settings that we own. */
export function columnType(type: string): ColumnType {
  const scalar = (name: string): ScalarType => SCALARS.get(name) ?? 'encoded'
  return type.endsWith('[]') ? `${scalar(type.slice(0, -2))}[]` : scalar(type)
}

/** Whether Debezium has nothing to say of a type's values. */
export function isLost({ type }: Pick<CatalogType, 'type'>): boolean {
  return LOST.has(type)
}

/** What is lost of a type's values, for a sentence; undefined when nothing is. */
export function lostPart({ type, dimensions }: CatalogType): string | undefined {
  return dimensions > 1 ? 'all but the number of its rows' : LOSSY.get(type)
}

/** Whether a value that PostgreSQL did not log comes as null, so that nobody can tell it from one that is null. */
export function isNullWhenNotLogged({ type, domain }: CatalogType): boolean {
  if (type.endsWith('[]')) return domain || !MARKED_ARRAYS.has(type)
  return type === 'bit' || type === 'varbit'
}

function typed(as: ScalarType, ...names: readonly string[]): readonly (readonly [string, ScalarType])[] {
  return names.map((name) => [name, as])
}
