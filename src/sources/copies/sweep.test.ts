import { describe, expect, it } from 'vitest'

import type { KafkaLog, KafkaRecord } from '../../clients/kafka/types.ts'
import { sweep } from './sweep.ts'

type Entry = readonly [key: string, op: 'r' | 'u' | 'c' | undefined]

/** A topic of one partition in memory. */
function topicOf(entries: Entry[]): KafkaLog {
  const record = ([key, op]: Entry, offset: number): KafkaRecord => ({
    key: Buffer.from(key),
    value: op && Buffer.from(JSON.stringify({ op })),
    ...{ offset: BigInt(offset), timestamp: 0, headers: new Map() },
  })
  return {
    scan: async function* (topic, from) {
      const first = Number(from.get(0) ?? 0n)
      const position = BigInt(entries.length)
      const records = entries.map(record).slice(first)
      yield { topic, partition: 0, records, position, highWatermark: position, logStart: 0n }
    },
    append: async (records) =>
      void entries.push(...records.map(({ key }) => [String(key), undefined] as const)),
    close: async () => undefined,
  }
}

async function swept(
  entries: Entry[],
  end: bigint,
  rows: readonly string[],
  meanwhile: readonly Entry[] = [],
) {
  const pauses: string[] = []
  const count = await sweep(
    {
      log: topicOf(entries),
      topic: 't',
      ends: [end],
      absent: async (keys) => keys.filter((key) => !rows.includes(key)),
      whilePaused: async (work, signal) => {
        pauses.push('paused')
        entries.push(...meanwhile)
        await work(signal)
      },
    },
    AbortSignal.timeout(1_000),
  )
  return { count, pauses: pauses.length, tombstones: entries.filter(([, op]) => !op).map(([key]) => key) }
}

describe('a sweep', () => {
  it('removes what is older, was not copied, and has no row', async () => {
    const entries: Entry[] = [
      ['a', 'c'],
      ['gone', 'c'],
      ['a', 'r'],
    ]
    expect(await swept(entries, 2n, ['a'])).toEqual({ count: 1, pauses: 1, tombstones: ['gone'] })
  })

  it('removes what was streamed late and has no row any more: a TRUNCATE says nothing', async () => {
    const entries: Entry[] = [
      ['a', 'c'],
      ['late', 'c'],
      ['a', 'r'],
    ]
    expect(await swept(entries, 1n, ['a'])).toMatchObject({ tombstones: ['late'] })
  })

  it('pauses nothing where there is nothing to remove', async () => {
    expect(
      await swept(
        [
          ['a', 'c'],
          ['b', 'u'],
          ['b', 'r'],
        ],
        1n,
        ['a', 'b'],
      ),
    ).toMatchObject({ count: 0, pauses: 0 })
  })

  it('leaves a row alone that is in the topic before it is seen in the database', async () => {
    const entries: Entry[] = [['k', 'c']]
    expect(await swept(entries, 1n, [], [['k', 'c']])).toMatchObject({ count: 0, tombstones: [] })
  })

  it('leaves alone what is gone already', async () => {
    expect(
      await swept(
        [
          ['k', 'c'],
          ['k', undefined],
        ],
        2n,
        [],
      ),
    ).toMatchObject({ count: 0, pauses: 0 })
  })
})
