import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'

import { allOf } from './all-of.ts'

const failing = (message: string, afterMs: number) =>
  delay(afterMs).then(() => Promise.reject(new Error(message)))

it('gives what all came to, in their order', async () => {
  expect(await allOf([delay(2, 'a'), Promise.resolve(1)])).toEqual(['a', 1])
})

it('of several errors throws that of the first in the list, not the fastest', async () => {
  await expect(allOf([delay(1), failing('first', 5), failing('second', 1)])).rejects.toThrow('first')
})
