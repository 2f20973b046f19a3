import { afterAll, describe, expect, it } from 'vitest'
import { OWNER_SETTING } from './connector.ts'
import { forgetPosition } from './connector-stop.ts'
import { memoryConnect } from './testing/connect.ts'
import { surroundings } from './testing/surroundings.ts'

const stop = new AbortController()
afterAll(() => stop.abort())
const signal = () => AbortSignal.timeout(5_000)

/** Forgets the position of a connector with this mark, or of none; what was done, in order. */
async function forget(mark: string | undefined, meanwhile: () => Promise<void> = async () => undefined) {
  const connect = memoryConnect()
  if (mark) {
    connect.connectors.set('shop', { name: 'shop', config: { [OWNER_SETTING]: mark } })
    connect.set('shop', 'RUNNING', [{}])
  }
  const context = { ...surroundings(stop.signal), client: connect.client, url: 'http://connect' }
  const work = async () => {
    connect.writes.push('meanwhile')
    await meanwhile()
  }
  const ended = forgetPosition(context, { name: 'shop', owner: 'i/ns/shop' }, work, signal())
  const thrown: unknown = await ended.then(
    () => undefined,
    (error: unknown) => error,
  )
  return { writes: connect.writes, thrown }
}

describe('forgetting a position', () => {
  it('happens last, and of a connector that is stopped', async () => {
    const { writes, thrown } = await forget('i/ns/shop')
    expect(thrown).toBeUndefined()
    expect(writes).toEqual(['stop shop', 'meanwhile', 'resetOffsets shop'])
  })
  it('does not happen where what comes before it fails', async () => {
    const { writes, thrown } = await forget('i/ns/shop', () => Promise.reject(new Error('in use')))
    expect(String(thrown)).toMatch(/in use/)
    expect(writes).toEqual(['stop shop', 'meanwhile'])
  })
  it('leaves another’s connector alone, and says whose it is', async () => {
    const { writes, thrown } = await forget('i/ns/other')
    expect(thrown).toMatchObject({ reason: 'NotOurs' })
    expect(writes).toEqual([])
  })
  it('is nothing where there is no connector: only the rest is done', async () => {
    expect(await forget(undefined)).toEqual({ writes: ['meanwhile'], thrown: undefined })
  })
})
