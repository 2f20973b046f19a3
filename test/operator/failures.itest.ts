import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { backboneSpec, condition, createTable, ready, says, sourceSpec } from './objects.ts'
import { createWorld, type World } from './world.ts'

const signal = () => AbortSignal.timeout(20_000)
const SENTENCE_MS = 30_000

describe('a task that has failed', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld('failed')
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec())
  })
  afterAll(() => world?.close())

  it('of what only a person can mend says what to do, and goes on when that is done and asked for', async () => {
    const topics = { unmanagedConfig: ['max.message.bytes'] }
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }], { topics }))
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), 60_000)
    const topic = `${world.namespace}.shop.public.orders`
    await world.kafka.alterTopic(topic, { 'max.message.bytes': '2000' }, signal())
    await eventually('the broker has heard of it', 10_000, async () => {
      const settings = (await world.kafka.topicSettings([topic], signal())).get(topic)
      return settings?.get('max.message.bytes') === '2000' ? true : undefined
    })
    await world.sql(`INSERT INTO public.orders VALUES (2, repeat('x', 5000))`)
    const failed = await world.until(
      'RecordTooLarge',
      'Source',
      'shop',
      says('ConnectorRunning', 'RecordTooLarge'),
      SENTENCE_MS,
    )
    expect(condition(failed, 'Stalled')?.reason).toBe('RecordTooLarge')
    expect(condition(failed, 'ConnectorRunning')?.message).toMatch(
      /RecordTooLargeException: .* To repair it: raise max\.message\.bytes/,
    )
    await world.kafka.alterTopic(topic, { 'max.message.bytes': '1048588' }, signal())
    await eventually('the broker has heard of it', 10_000, async () => {
      const settings = (await world.kafka.topicSettings([topic], signal())).get(topic)
      return settings?.get('max.message.bytes') === '1048588' ? true : undefined
    })
    await world.annotate('Source', 'shop', { 'penstock.dev/reconcile-requested-at': 'now' })
    await world.until('Streaming', 'Source', 'shop', ready('True', 'Streaming'), SENTENCE_MS)
    await eventually('the row has arrived', SENTENCE_MS, async () =>
      JSON.stringify(await world.records(topic)).includes('xxxxx') ? true : undefined,
    )
  })
})
