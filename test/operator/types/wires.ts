/** SQL of the JSON that arrives for a value, which is not null. */
export type Wire = (value: string) => string

/** Its text. */
export const text: Wire = (v) => `to_jsonb(${v}::text)`
/** What PostgreSQL makes of it as JSON. */
export const json: Wire = (v) => `to_jsonb(${v})`
/** JSON has no number for these three. */
export const float: Wire = (v) =>
  `case when ${v} in ('NaN', 'Infinity', '-Infinity') then to_jsonb(${v}::text) else to_jsonb(${v}) end`
/** Base64 without line breaks. */
export const base64: Wire = (v) => `to_jsonb(translate(encode(${v}, 'base64'), E'\\n', ''))`
/** The bytes of a bit string, lowest first. */
export const bits: Wire = (v) => `to_jsonb(bit_set(${v}::text))`
/** ISO 8601, years beyond four digits signed. */
export const date: Wire = (v) => `to_jsonb(split_part(iso(${v}, ''), 'T', 1))`
/** ISO 8601, as if it were UTC. */
export const timestamp: Wire = (v) => `to_jsonb(iso(${v}, 'Z'))`
/** ISO 8601 in UTC, always six digits of a second. */
export const timestamptz: Wire = (v) => `to_jsonb(iso_tz(${v}))`
/** The time of day in UTC. */
export const timetz: Wire = (v) => `to_jsonb((${v} at time zone 'UTC')::time::text || 'Z')`
/** ISO 8601 with every part. */
export const interval: Wire = (v) =>
  `to_jsonb(format('P%sY%sM%sDT%sH%sM%sS', extract(year from ${v}), extract(month from ${v}), extract(day from ${v}),
    extract(hour from ${v}), extract(minute from ${v}), trim_scale(extract(second from ${v}))))`
/** Its coordinates. */
export const point: Wire = (v) => `jsonb_build_object('x', ${v}[0], 'y', ${v}[1])`
/** It never arrives. */
export const nothing: Wire = () => 'null::jsonb'
/** Each element by itself; nulls stay. */
export const each =
  (element: Wire): Wire =>
  (v) =>
    `(select coalesce(jsonb_agg(case when e is null then 'null' else ${element('e')} end order by n), '[]')
      from unnest(${v}) with ordinality as x (e, n))`

/** What the types of the specimens, and the SQL of what arrives, need in a database. */
export const DEFINITIONS = `
  CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;
  CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE TYPE pair AS (a int, b text); CREATE TYPE floats AS RANGE (subtype = float8);
  CREATE DOMAIN positive AS int CHECK (value > 0); CREATE DOMAIN price AS numeric; CREATE DOMAIN nested_price AS price;
  CREATE DOMAIN big AS bigint; CREATE DOMAIN tags AS text[];
  CREATE FUNCTION iso_year(y int) RETURNS text LANGUAGE sql IMMUTABLE RETURN
    case when y > 9999 then '+' || y when y > 0 then lpad(y::text, 4, '0') else '-' || lpad((-1 - y)::text, 4, '0') end;
  CREATE FUNCTION iso(at timestamp, zone text) RETURNS text LANGUAGE sql IMMUTABLE RETURN
    case when isfinite(at) then iso_year(extract(year from at)::int) || to_char(at, '-MM-DD"T"HH24:MI:SS')
      || rtrim(rtrim(to_char(at, '.US'), '0'), '.') || zone else at::text end;
  CREATE FUNCTION iso_tz(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE RETURN
    case when isfinite(at) then iso_year(extract(year from at at time zone 'UTC')::int)
      || to_char(at at time zone 'UTC', '-MM-DD"T"HH24:MI:SS.US"Z"') else at::text end;
  CREATE FUNCTION bit_set(bits text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    with low as (select ltrim(bits, '0') as b), whole as (select lpad(b, (length(b) + 7) / 8 * 8, '0') as b from low)
    select coalesce(encode(string_agg(decode(lpad(to_hex(substr(b, length(b) - 8 * n - 7, 8)::bit(8)::int), 2, '0'), 'hex'), '' order by n), 'base64'), '')
    from whole, generate_series(0, length(b) / 8 - 1) n $$`
