import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { decodeToken, encodeToken } from './token.ts'

const HASHES = { epoch: 'a'.repeat(16), cohort: '0123456789abcdef', selector: 'f'.repeat(16) }
const HEAD = Buffer.from(`01${HASHES.epoch}${HASHES.cohort}${HASHES.selector}`, 'hex')

describe('a token', () => {
  it('comes back as it was made, whatever its offsets', () => {
    const hash = fc
      .uint8Array({ minLength: 8, maxLength: 8 })
      .map((bytes) => Buffer.from(bytes).toString('hex'))
    const token = fc.record({
      epoch: hash,
      cohort: hash,
      selector: hash,
      offsets: fc.array(fc.maxSafeNat(), { maxLength: 50 }),
    })
    fc.assert(
      fc.property(token, (made) => {
        expect({ ...decodeToken(encodeToken(made)) }).toEqual({ ...made })
      }),
    )
  })

  it.each([
    ['one that is empty', ''],
    ['one that is no base64url', '%%%'],
    ['one of another version', Buffer.concat([Buffer.from([2]), HEAD.subarray(1)]).toString('base64url')],
    ['one that ends within the hashes', HEAD.subarray(0, 20).toString('base64url')],
    ['one that ends within an offset', Buffer.concat([HEAD, Buffer.from([0x80])]).toString('base64url')],
    [
      'one whose offset is beyond 2^53',
      Buffer.concat([HEAD, Buffer.alloc(8, 0xff), Buffer.from([1])]).toString('base64url'),
    ],
  ])('is not read: %s', (_name, text) => {
    expect(decodeToken(text)).toBeUndefined()
  })

  it('never throws on what a client makes up, and reads offsets only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, ours) => {
        const text = Buffer.concat([ours ? HEAD : Buffer.alloc(0), bytes]).toString('base64url')
        const token = decodeToken(text)
        expect(token?.offsets.every(Number.isSafeInteger) ?? true).toBe(true)
      }),
    )
  })
})
