import { afterAll, describe, expect, it } from 'vitest'
import { memoryKafka } from '../../external/testing/kafka.ts'
import { memoryKube } from '../../external/testing/kube.ts'
import { surroundings } from '../../external/testing/surroundings.ts'
import { ledgerOf, remover } from './removal.ts'
import { pipelineOf } from './testing.ts'

const stop = new AbortController()
afterAll(() => stop.abort())
const signal = () => AbortSignal.timeout(5_000)

describe('what a Pipeline leaves to be cleaned up', () => {
  const flows = [{ name: 'paid', from: ['orders'], steps: [{ filter: 'row.paid' }] }]
  const views = [{ name: 'orders', from: ['orders'] }]

  it('is nothing of views alone, and of flows their topics, groups and processor', () => {
    expect(ledgerOf(pipelineOf({ views }))).toEqual([])
    expect(ledgerOf(pipelineOf({ views, flows })).map(({ id }) => `${id.kind} ${id.name}`)).toEqual([
      'TopicSet ns.p.outputs',
      'TopicSet ns.p.state',
      expect.stringContaining('ConsumerGroup '),
      'Workload p-processor',
    ])
  })

  it('takes the processor away by its entry, and nothing by that of a gateway, which was written once', async () => {
    const { kube, writes } = memoryKube()
    const { admin } = memoryKafka()
    const removerOf = remover(
      { ...surroundings(stop.signal), kube, askPod: () => Promise.reject(new Error('not asked')) },
      {
        pipeline: pipelineOf({ views, flows }),
        kafka: { admin, address: 'k:9092' } as Parameters<typeof remover>[1]['kafka'],
        user: 'Pipeline:ns/p',
      },
    )
    await removerOf({ kind: 'Workload', name: 'p-gateway' })?.remove(signal())
    expect(writes).toEqual([])
    await removerOf({ kind: 'Workload', name: 'p-processor' })?.remove(signal())
    expect(writes).toEqual([
      'remove statefulsets/ns/p-processor',
      'remove services/ns/p-processor',
      'remove configmaps/ns/p-processor',
    ])
  })
})
