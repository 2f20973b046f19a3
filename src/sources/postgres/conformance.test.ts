import { afterAll } from 'vitest'
import { resource } from '../../external/contract.ts'
import { conforms } from '../../external/testing/conformance.ts'
import { surroundings } from '../../external/testing/surroundings.ts'
import { createBoard } from '../../lag/board.ts'
import { publication } from './publication.ts'
import { readDatabase } from './queries.ts'
import { slot } from './slot.ts'
import { memoryDatabase } from './testing/database.ts'

const stop = new AbortController()
afterAll(() => stop.abort())
const rethrow = (error: unknown): never => {
  throw error
}

conforms('a publication', async () => {
  const { client, writes } = memoryDatabase()
  const { polls, user } = surroundings(stop.signal)
  const wish = {
    name: 'pub',
    tables: ['public.b', 'public.a'],
    others: 'Remove',
    owner: 'i/ns/shop',
    management: 'Managed',
    adoption: 'Refuse',
  } as const
  return {
    resource: resource(publication({ client, database: 'db', polls, user, verdict: rethrow }, wish)),
    writes: () => writes.length,
  }
})

conforms(
  'a replication slot',
  async () => {
    const { client, writes } = memoryDatabase()
    const context = {
      client,
      database: (signal: AbortSignal) => readDatabase(client, signal),
      offsets: async () => undefined,
      verdict: rethrow,
      now: Date.now,
      history: createBoard(Date.now).of('Source:n/s'),
      seen: undefined,
      judge: <Found>(found: Found) => found,
      tellsEnough: () => false,
      remade: () => false,
    }
    return { resource: resource(slot(context, 's', undefined)), writes: () => writes.length }
  },
  { madeByOthers: true },
)
