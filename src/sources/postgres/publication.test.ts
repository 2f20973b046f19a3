import { afterAll, describe, expect, it } from 'vitest'

import { converge } from '../../external/converge.ts'
import { surroundings } from '../../external/testing/surroundings.ts'
import { type PublicationWish, publication } from './publication.ts'
import { type MemoryDatabase, memoryDatabase } from './testing/database.ts'

const stop = new AbortController()
afterAll(() => stop.abort())
const signal = () => AbortSignal.timeout(5_000)
const OWNER = 'i/ns/shop'

function pub(database: MemoryDatabase, wish: Partial<PublicationWish> = {}) {
  const { polls, user } = surroundings(stop.signal)
  const verdict = (error: unknown): never => {
    throw error
  }
  return publication(
    { client: database.client, database: 'db', polls, user, verdict },
    {
      ...{ name: 'pub', tables: ['public.a'], others: 'Remove', owner: OWNER },
      ...{ management: 'Managed', adoption: 'Refuse', ...wish },
    },
  )
}

function holding(tables: readonly string[], comment: string | null, viaRoot = true): MemoryDatabase {
  const database = memoryDatabase()
  database.publications.set('pub', { tables, comment, viaRoot })
  return database
}

describe('a publication', () => {
  it('is marked as ours', async () => {
    const database = memoryDatabase()
    await converge(pub(database), Date.now, signal())
    expect(database.publications.get('pub')).toEqual({
      tables: ['public.a'],
      comment: OWNER,
      viaRoot: true,
    })
  })

  it.each<readonly [string, readonly string[], readonly string[], readonly string[]]>([
    ['a table is added', ['public.a'], ['public.a', 'public.b'], ['public.b added']],
    ['a table is removed', ['public.a', 'public.b'], ['public.a'], ['public.b removed']],
    ['a dropped and recreated table comes back', [], ['public.a'], ['public.a added']],
    ['their order means nothing', ['public.a', 'public.b'], ['public.b', 'public.a'], []],
  ])('%s', async (_name, found, wanted, whats) => {
    const database = holding(found, OWNER)
    const { changed } = await converge(pub(database, { tables: wanted }), Date.now, signal())
    expect(changed).toEqual(whats.map((what) => `Publication pub: ${what}`))
    expect(database.publications.get('pub')?.tables).toEqual([...wanted].sort())
  })

  it('one that would lose the changes of partitions is mended', async () => {
    const database = holding(['public.a'], OWNER, false)
    const { changed } = await converge(pub(database), Date.now, signal())
    expect(changed).toEqual(['Publication pub: publish_via_partition_root = true'])
    expect(database.publications.get('pub')?.viaRoot).toBe(true)
  })

  it.each<readonly [string, string | null, RegExp]>([
    ['without a mark', null, /carries no mark of ours: drop it, name another/],
    ['of another', 'j/x/y', /belongs to j\/x\/y/],
  ])('one %s is neither changed nor dropped', async (_name, comment, sentence) => {
    const database = holding([], comment)
    const act = converge(pub(database), Date.now, signal())
    await expect(act).rejects.toThrow(expect.objectContaining({ name: 'Stalled', reason: 'NotOurs' }))
    await expect(act).rejects.toThrow(sentence)
    await pub(database).remove(signal())
    expect(database.writes).toEqual([])
  })

  it('one without a mark becomes ours where that is asked for', async () => {
    const database = holding(['public.a'], null)
    const { changed } = await converge(pub(database, { adoption: 'Adopt' }), Date.now, signal())
    expect(changed).toEqual(['Publication pub: adopted'])
    expect(database.publications.get('pub')?.comment).toBe(OWNER)
  })

  it('an external one is never written: what it lacks is said with the statement', async () => {
    const external = { management: 'External', tables: ['public.a', 'public.b'] } as const
    const lacking = holding(['public.a'], null)
    await expect(converge(pub(lacking, external), Date.now, signal())).rejects.toThrow(
      /lacks public\.b: ALTER PUBLICATION "pub" ADD TABLE "public"\."b"/,
    )
    const missing = memoryDatabase()
    await expect(converge(pub(missing, external), Date.now, signal())).rejects.toThrow(
      /CREATE PUBLICATION "pub" FOR TABLE "public"\."a", "public"\."b"/,
    )
    expect([...lacking.writes, ...missing.writes]).toEqual([])
  })

  it('an external one may hold more than is wanted', async () => {
    const database = holding(['public.a', 'public.z'], null)
    const { changed } = await converge(pub(database, { management: 'External' }), Date.now, signal())
    expect(changed).toEqual([])
  })
})
