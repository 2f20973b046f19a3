import { createHash } from 'node:crypto'

/** What Debezium writes for a column whose value PostgreSQL did not log (TOAST, unchanged); an option could rename it. */
const PLACEHOLDER = '__debezium_unavailable_value'

const BYTES = Buffer.from(PLACEHOLDER)

/** How it stands where the column is no text: measured with 3.6.1, type by type. */
const TEXTS: ReadonlySet<string> = new Set([
  PLACEHOLDER,
  BYTES.toString('base64'),
  JSON.stringify({ [PLACEHOLDER]: PLACEHOLDER }),
])
const ELEMENTS: ReadonlySet<unknown> = new Set([PLACEHOLDER, BYTES.toString('base64'), nameUuid(BYTES)])

/** Whether a value, as parsed from Debezium's JSON, says that the source did not send it. */
export function isUnavailable(value: unknown): boolean {
  if (typeof value === 'string') return TEXTS.has(value)
  if (!Array.isArray(value)) return false
  if (value.length === 1) return ELEMENTS.has(value[0])
  // Arrays of integers hold its bytes.
  return value.length === BYTES.length && value.every((each, at) => each === BYTES[at])
}

/** The name-based UUID (version 3) of bytes, without a namespace, as Java makes it. */
function nameUuid(bytes: Buffer): string {
  const hash = createHash('md5').update(bytes).digest()
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x30, 6)
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8)
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
