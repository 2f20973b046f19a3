import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startProxy } from '../proxy.ts'
import { eventually } from './eventually.ts'
import { apiPort, writeKubeconfig } from './kubeconfig.ts'
import { backboneSpec, createTable, ready, sourceSpec } from './objects.ts'
import { doubled } from './outside.ts'
import { type OperatorProcess, startOperator } from './process.ts'
import { type Recorder, startRecorder } from './recorder.ts'
import { createWorld, type World } from './world.ts'

const TAKEOVER_MS = 20_000
const HANGING = fileURLToPath(new URL('hanging.ts', import.meta.url))

describe('of several operators one works', () => {
  let world: World
  let connect: Recorder
  const operators: OperatorProcess[] = []
  const edits = { count: 0 }
  const start = async (...flags: readonly string[]): Promise<OperatorProcess> => {
    const { kubeconfig } = inject('testBed')
    const operator = await startOperator(kubeconfig, ['--namespace', world.namespace, ...flags])
    operators.push(operator)
    return operator
  }

  beforeAll(async () => {
    connect = await startRecorder(inject('testBed').connectUrl)
    world = await createWorld('leaders', async ({ namespace }) => {
      const first = await startOperator(inject('testBed').kubeconfig, ['--namespace', namespace])
      operators.push(first)
      return first
    })
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec(connect.url))
    await edited()
  })
  afterAll(async () => {
    for (const operator of operators) await operator.kill()
    await world?.close()
    await connect?.close()
  })

  /** Changes the Source and waits until somebody has seen to it. */
  async function edited(withinMs = 30_000): Promise<void> {
    const thresholds = { lag: `${100 + edits.count++}s` }
    await world.apply('Source', 'shop', sourceSpec(world, [{ name: 'public.orders' }], { thresholds }))
    await world.until('Ready', 'Source', 'shop', ready('True', 'Streaming'), withinMs)
  }
  const versions = async () =>
    Promise.all(
      (['Source', 'Backbone'] as const).map(async (kind) => {
        const name = kind === 'Source' ? 'shop' : 'main'
        return (await world.get(kind, name))?.metadata.resourceVersion
      }),
    )
  const last = () => {
    const operator = operators.at(-1)
    if (!operator) throw new Error('no operator runs')
    return operator
  }
  const leads = (operator: OperatorProcess) =>
    eventually('it leads', TAKEOVER_MS, async () => (operator.log().includes('"leading"') ? true : undefined))

  it('the leader killed: the next one works within 20 s', async () => {
    const leader = last()
    await start()
    await leader.kill()
    await edited(TAKEOVER_MS)
    expect(await doubled(world, connect, ['shop'])).toEqual([])
  })

  it('the leader paused past its Lease: another works, and the first ends without a word once it goes on', async () => {
    const leader = last()
    const next = await start()
    leader.pause()
    await leads(next)
    await edited()
    const before = [await versions(), [...connect.writes]]
    leader.resume()
    expect(await Promise.race([leader.exited, delay(3_000, 'still there')])).toBe(1)
    expect([await versions(), connect.writes]).toEqual(before)
    expect(await doubled(world, connect, ['shop'])).toEqual([])
  })

  it('an upgrade: the old version hands over at once, and what it had made stays as it is', async () => {
    const old = last()
    const before = [await versions(), [...connect.writes]]
    const upgraded = await start('--image', 'penstock:next')
    // While both run, only one may write.
    await delay(3_000)
    await old.stop()
    const stoppedAt = Date.now()
    await leads(upgraded)
    expect(Date.now() - stoppedAt).toBeLessThan(5_000)
    // Long enough for each of its looks to come round.
    await delay(6_000)
    expect([await versions(), connect.writes]).toEqual(before)
    expect(await upgraded.metric('penstock_api_writes_total{what="status"}')).toBe(0)
    await edited()
  })

  it('a leader that loses its Lease while its work hangs ends all the same, before another may begin', async () => {
    await last().stop()
    const { kubeconfig } = inject('testBed')
    const proxy = await startProxy(await apiPort(kubeconfig))
    const file = join(tmpdir(), `${world.namespace}.kubeconfig`)
    try {
      await writeKubeconfig(kubeconfig, { file, port: proxy.port })
      const hanging = await startOperator(file, ['--namespace', world.namespace], HANGING)
      operators.push(hanging)
      await leads(hanging)
      await world.annotate('Source', 'shop', { 'penstock.dev/reconcile-requested-at': 'now' })
      await delay(1_000)
      proxy.refuse(true)
      expect(await Promise.race([hanging.exited, delay(15_000, 'still there')])).toBe(1)
      expect(hanging.log()).toMatch(/could not be renewed/)
    } finally {
      await proxy.close()
      await rm(file)
    }
  })
})
