/** What a subscription has been given, as the client carries it. */
export interface Token {
  /** 16 hex digits each: of the view's content, of who asks, of what is asked for. */
  readonly epoch: string
  readonly cohort: string
  readonly selector: string
  /** Per partition the offset below which everything was delivered. */
  readonly offsets: readonly number[]
}

const VERSION = 1
const HASH_BYTES = 8
const HEAD_BYTES = 1 + 3 * HASH_BYTES

/** A token as base64url text: a version, three hashes, and a varint for each partition. */
export function encodeToken({ epoch, cohort, selector, offsets }: Token): string {
  const bytes: number[] = [VERSION]
  for (const offset of offsets) {
    let rest = offset
    while (rest >= 0x80) {
      bytes.push((rest % 0x80) + 0x80)
      rest = Math.floor(rest / 0x80)
    }
    bytes.push(rest)
  }
  const hashes = Buffer.from(epoch + cohort + selector, 'hex')
  return Buffer.concat([Buffer.from([VERSION]), hashes, Buffer.from(bytes.slice(1))]).toString('base64url')
}

/** Reads a token; undefined when it is none of ours. It may be forged: it says what the client claims to have. */
export function decodeToken(text: string): Token | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes[0] !== VERSION || bytes.length < HEAD_BYTES) return undefined
  const offsets: number[] = []
  let offset = 0
  let scale = 1
  for (const byte of bytes.subarray(HEAD_BYTES)) {
    offset += (byte % 0x80) * scale
    scale *= 0x80
    if (!Number.isSafeInteger(offset)) return undefined
    if (byte >= 0x80) continue
    offsets.push(offset)
    offset = 0
    scale = 1
  }
  if (scale !== 1) return undefined
  const hash = (index: number): string =>
    bytes.subarray(1 + index * HASH_BYTES, 1 + (index + 1) * HASH_BYTES).toString('hex')
  return { epoch: hash(0), cohort: hash(1), selector: hash(2), offsets }
}
