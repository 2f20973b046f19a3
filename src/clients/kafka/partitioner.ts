/** Kafka's seed and constants of murmur2 (org.apache.kafka.common.utils.Utils, 4.3). */
const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/**
 * The partition in which Kafka's Java producer puts a key: `(murmur2(key) & 0x7fffffff) % partitions`. Everything
 * that we write goes by it: @platformatic/kafka's own default differs for half of all keys.
 */
export function partitionOf(key: Buffer | string, partitions: number): number {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key
  return (murmur2(bytes) & 0x7fffffff) % partitions
}

/** Kafka's murmur2 of some bytes, as a signed 32-bit integer like in Java. */
export function murmur2(bytes: Buffer): number {
  let hash = SEED ^ bytes.length
  const whole = bytes.length - (bytes.length % 4)
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), M)
    word = Math.imul(word ^ (word >>> R), M)
    hash = Math.imul(hash, M) ^ word
  }
  for (let at = bytes.length - 1; at >= whole; at -= 1) hash ^= bytes.readUInt8(at) << (8 * (at - whole))
  if (whole !== bytes.length) hash = Math.imul(hash, M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}
