import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKafkaAdmin } from './admin.ts'
import { testKafka } from './itest.ts'
import type { KafkaAdmin, NewTopic } from './types.ts'

const signal = () => AbortSignal.timeout(20_000)

describe('topics made together', () => {
  let admin: KafkaAdmin
  beforeAll(() => {
    admin = createKafkaAdmin(testKafka())
  })
  afterAll(() => admin?.close())

  const group = () => {
    const prefix = `together-${randomUUID().slice(0, 8)}`
    const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
      ...{ name: `${prefix}.${name}`, partitions: 1, replicationFactor: -1, config: {} },
      ...more,
    })
    const there = async () =>
      (await admin.listTopics(signal())).filter((name) => name.startsWith(prefix)).toSorted()
    return { topic, there }
  }

  it('each as it is asked for, more than go into one request, and again without harm', async () => {
    const { topic, there } = group()
    const compact = { 'cleanup.policy': 'compact' }
    const many = Array.from({ length: 160 }, (_, index) =>
      topic(String(index), { partitions: 1 + (index % 2), ...(index % 3 === 0 ? { config: compact } : {}) }),
    )
    await admin.createTopics(many.slice(0, 10), signal())
    await admin.createTopics(many, signal())
    // A broker learns of topics a little later than the controller has made them.
    await expect.poll(there, { timeout: 10_000 }).toHaveLength(160)
    const names = many.slice(0, 6).map(({ name }) => name)
    const described = await admin.describeTopics(names, signal())
    expect(names.map((name) => described.get(name)?.partitions)).toEqual([1, 2, 1, 2, 1, 2])
    const settings = await admin.topicSettings(names.slice(0, 2), signal())
    const policies = names.slice(0, 2).map((name) => settings.get(name)?.get('cleanup.policy'))
    expect(policies).toEqual(['compact', 'delete'])
  })

  it('one that is refused is said, and the others are made', async () => {
    const { topic, there } = group()
    const [known, wrong, fresh] = [topic('known'), topic('wrong', { partitions: 0 }), topic('fresh')]
    const other = topic('other', { config: { 'cleanup.policy': 'nonsense' } })
    await admin.createTopics([known], signal())
    await expect(admin.createTopics([known, wrong, fresh], signal())).rejects.toThrow(
      /wrong: INVALID_PARTITIONS/,
    )
    await expect(admin.createTopics([other, topic('last')], signal())).rejects.toThrow(
      /other: INVALID_CONFIG/,
    )
    const made = [fresh, known, topic('last')].map(({ name }) => name)
    await expect.poll(there, { timeout: 10_000 }).toEqual(made)
  })
})
