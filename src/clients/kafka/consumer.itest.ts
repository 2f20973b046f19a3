import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { createGroupMember, type Generation, type GroupMember } from './consumer.ts'
import { freshTopic, testKafka } from './itest.ts'

const signal = (): AbortSignal => AbortSignal.timeout(25_000)
const owned = (generation: Generation): string => JSON.stringify([...generation.partitions].sort())

function member(
  group: string,
  instanceId: string,
  topics: readonly string[],
  log: string[] = [],
): GroupMember {
  return createGroupMember(testKafka(instanceId), {
    group,
    instanceId,
    topics,
    release: async ({ epoch }) => void log.push(`${instanceId} releases ${epoch}`),
    onFailure: (error) => void log.push(error.message),
  })
}

/** Waits for a generation with these partitions of `topic`. */
async function until(m: GroupMember, topic: string, partitions: readonly number[]): Promise<Generation> {
  const within = signal()
  for (let epoch = 0; ; ) {
    const found = await m.next(epoch, within)
    if (JSON.stringify(found.partitions.get(topic)) === JSON.stringify(partitions)) return found
    epoch = found.epoch
  }
}

describe('GroupMember', () => {
  it('owns partition n of every topic together, and shares with a second member', async () => {
    const [a, b] = [await freshTopic('a', 4), await freshTopic('b', 4)]
    const group = `g-${randomUUID()}`
    const log: string[] = []
    const first = member(group, 'p-0', [a, b], log)
    const all = await until(first, a, [0, 1, 2, 3])
    await first.commit(all, new Map([[a, new Map([[1, 7n]])]]))

    const second = member(group, 'p-1', [a, b], log)
    const even = await until(first, a, [0, 2])
    const odd = await until(second, a, [1, 3])
    expect(even.partitions.get(b)).toEqual([0, 2])
    expect(odd.partitions.get(b)).toEqual([1, 3])
    expect(log).toEqual([`p-0 releases ${all.epoch}`])
    expect(await second.committed(odd)).toEqual(
      new Map([
        [a, new Map([[1, 7n]])],
        [b, new Map()],
      ]),
    )
    await expect(first.commit(all, new Map([[a, new Map([[1, 9n]])]]))).rejects.toThrow('is over')

    await second.close()
    await until(first, a, [0, 1, 2, 3])
    await first.close()
  })

  it('gives a process that came back with the same id what the dead one had, at once', async () => {
    const topic = await freshTopic('static', 2)
    const group = `g-${randomUUID()}`
    const dead = member(group, 'p-0', [topic])
    const before = await until(dead, topic, [0, 1])
    const back = member(group, 'p-0', [topic])
    const started = Date.now()
    const after = await until(back, topic, [0, 1])
    expect(Date.now() - started).toBeLessThan(5_000)
    expect(owned(after)).toBe(owned(before))
    await back.close()
    await dead.close()
  })

  it('waits for a topic that does not exist', async () => {
    const group = `g-${randomUUID()}`
    const log: string[] = []
    const waiting = member(group, 'p-0', [`none-${randomUUID()}`], log)
    await expect(waiting.next(0, AbortSignal.timeout(1_500))).rejects.toThrow()
    expect(log[0]).toContain('Unknown topic')
    await waiting.close()
  })
})
