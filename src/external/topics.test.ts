import { afterAll, describe, expect, it } from 'vitest'

import type { MemoryTopic } from './testing/kafka.ts'
import { memoryKafka } from './testing/kafka.ts'
import { surroundings } from './testing/surroundings.ts'
import { kafkaVerdict, policySettings, type TopicWish, topicSet } from './topics.ts'

const stop = new AbortController()
afterAll(() => stop.abort())
const signal = () => AbortSignal.timeout(5_000)

describe('policySettings', () => {
  it.each([
    ['Latest', undefined, { 'cleanup.policy': 'compact', 'max.compaction.lag.ms': '3600000' }],
    ['Latest', '7d', { 'cleanup.policy': 'compact,delete', 'retention.ms': '604800000' }],
    ['History', '1d', { 'cleanup.policy': 'delete', 'retention.ms': '86400000' }],
    ['Forever', undefined, { 'cleanup.policy': 'delete', 'retention.ms': '-1' }],
  ] as const)('%s, retention %s', (policy, retention, settings) => {
    expect(policySettings(policy, retention)).toMatchObject(settings)
  })

  it('Latest without retention says nothing of retention, which deletes nothing there', () => {
    expect(policySettings('Latest', undefined)).not.toHaveProperty('retention.ms')
  })
})

describe('differences of a topic', () => {
  const wish: TopicWish = {
    name: 't',
    partitions: 3,
    replicationFactor: 1,
    config: { 'cleanup.policy': 'compact' },
    keyed: true,
  }
  const found = (more: Partial<MemoryTopic> = {}): Partial<MemoryTopic> => ({
    partitions: 3,
    config: new Map([['cleanup.policy', 'compact']]),
    ...more,
  })
  const set = (kafka: ReturnType<typeof memoryKafka>, wanted: TopicWish) =>
    topicSet({ ...surroundings(stop.signal), admin: kafka.admin, kafka: 'k' }, 'set', [wanted])

  it.each<
    readonly [
      string,
      Partial<TopicWish>,
      Partial<MemoryTopic> | undefined,
      readonly string[],
      string | undefined,
    ]
  >([
    ['none where it is as wanted', {}, found(), [], undefined],
    ['a missing one', {}, undefined, ['t created'], undefined],
    [
      'a setting',
      {},
      found({ config: new Map([['cleanup.policy', 'delete']]) }),
      ['t cleanup.policy: delete → compact'],
      undefined,
    ],
    [
      'a setting that is unset',
      {},
      found({ config: new Map() }),
      ['t cleanup.policy: unset → compact'],
      undefined,
    ],
    [
      'a setting of somebody else is none',
      {},
      found({
        config: new Map([
          ['cleanup.policy', 'compact'],
          ['segment.ms', '1'],
        ]),
      }),
      [],
      undefined,
    ],
    [
      'more partitions without keys',
      { keyed: false, partitions: 6 },
      found(),
      ['t partitions: 3 → 6'],
      undefined,
    ],
    [
      'more partitions with keys are refused',
      { partitions: 6 },
      found(),
      ['t partitions: 3 → 6'],
      'KeysWouldMove',
    ],
    [
      'fewer partitions are refused',
      { keyed: false, partitions: 2 },
      found(),
      ['t partitions: 3 → 2'],
      'PartitionsCannotShrink',
    ],
    [
      'another replication factor is refused',
      { replicationFactor: 3 },
      found(),
      ['t replication factor'],
      'ReplicationFactorDiffers',
    ],
  ])('%s', async (_name, more, topic, whats, reason) => {
    const kafka = memoryKafka(topic ? { t: topic } : {})
    const topics = set(kafka, { ...wish, ...more })
    const changes = topics.diff((await topics.observe(signal())) ?? new Map())
    expect(changes.map(({ what }) => what)).toEqual(whats)
    expect(changes.find(({ refused }) => refused)?.refused?.reason).toBe(reason)
  })

  it('a refusal says what to do', async () => {
    const kafka = memoryKafka({ t: found() })
    const topics = set(kafka, { ...wish, partitions: 6 })
    const [change] = topics.diff((await topics.observe(signal())) ?? new Map())
    expect(change?.refused?.message).toMatch(/Set partitions to 3, or use another topic/)
  })

  it('without a wish the broker’s own replication factor is taken, and not compared', async () => {
    const kafka = memoryKafka()
    const { replicationFactor: _any, ...wanted } = wish
    const topics = set(kafka, wanted)
    await topics.apply(new Map(), [], signal())
    expect(topics.diff((await topics.observe(signal(), Date.now())) ?? new Map())).toEqual([])
  })

  it('is not ready while the broker does not show a topic that was made', () => {
    const topics = set(memoryKafka(), wish)
    expect(topics.health(new Map())).toMatchObject({ type: 'NotReady', reason: 'NotThereYet' })
  })

  it('only what differs is written: settings alone, partitions alone', async () => {
    const kafka = memoryKafka({ t: found({ config: new Map() }) })
    const settings = set(kafka, wish)
    await settings.apply(await settings.observe(signal()), [], signal())
    expect(kafka.writes).toEqual(['alterTopic t'])
    const grown = set(kafka, { ...wish, keyed: false, partitions: 5 })
    await grown.apply(await grown.observe(signal()), [], signal())
    expect(kafka.writes).toEqual(['alterTopic t', 'growTopic t'])
  })
})

describe('kafkaVerdict', () => {
  it.each([
    ['Unreachable', 'KafkaUnreachable', /Check that its brokers run/],
    ['AuthenticationFailed', 'AuthenticationFailed', /Check the Secret/],
    ['Refused', 'KafkaRefused', /Kafka refuses/],
  ])('%s becomes %s and says what to do', (kind, reason, sentence) => {
    const error = Object.assign(new Error('detail'), { kind })
    expect(() => kafkaVerdict(error)).toThrow(expect.objectContaining({ name: 'Waiting', reason }))
    expect(() => kafkaVerdict(error)).toThrow(sentence)
  })

  it('what is no error of Kafka passes', () => {
    expect(() => kafkaVerdict(new Error('boom'))).toThrow('boom')
  })
})
