import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sharedServer } from '../../dev/testing.ts'
import { startProxy, type TcpProxy } from '../proxy.ts'
import { allowAll, compactHistory, refuseAll } from './api-server.ts'
import { eventually } from './eventually.ts'
import { apiPort, writeKubeconfig } from './kubeconfig.ts'
import { backboneSpec, createTable, ready, sourceSpec } from './objects.ts'
import { doubled } from './outside.ts'
import { startOperator } from './process.ts'
import { type Recorder, startRecorder } from './recorder.ts'
import { createWorld, type World } from './world.ts'

/** How long the API server is away. */
const AWAY_MS = Number(process.env['PENSTOCK_TEST_AWAY_SECONDS'] ?? 20) * 1_000
/** What failed all along waits ever longer, as long again as it has failed. */
const HEAL_MS = 60_000 + 2 * AWAY_MS
const CROWD = 5

describe('an operator whose way to the API server fails', { timeout: 2 * HEAL_MS + AWAY_MS + 60_000 }, () => {
  let world: World
  let proxy: TcpProxy
  let connect: Recorder
  const user = `faulty-${process.pid}`
  const file = join(tmpdir(), `${user}.kubeconfig`)
  const table = [{ name: 'public.orders' }]
  const round = { number: 0 }

  beforeAll(async () => {
    const { kubeconfig, connectUrl } = inject('testBed')
    proxy = await startProxy(await apiPort(kubeconfig))
    connect = await startRecorder(connectUrl)
    await writeKubeconfig(kubeconfig, { file, port: proxy.port, user })
    world = await createWorld('faults', async ({ kube }) => {
      await allowAll(kube, user)
      return startOperator(file)
    })
    await createTable(world, 'public.orders', 1)
    await world.apply('Backbone', 'main', backboneSpec(connect.url))
    await world.apply('Source', 'kept', sourceSpec(world, table))
    await change()
    await settled()
  })
  afterAll(async () => {
    await world?.close()
    await Promise.all([proxy?.close(), connect?.close(), rm(file, { force: true })])
  })

  /** Something is created, something changed and something deleted. */
  async function change(): Promise<void> {
    const before = round.number++
    await world.apply('Source', 'kept', sourceSpec(world, table, { thresholds: { lag: `${100 + before}s` } }))
    await world.apply('Source', `s${round.number}`, sourceSpec(world, table))
    for (const name of crowd(round.number)) await world.apply('Backbone', name, backboneSpec(connect.url))
    if (before === 0) return
    await world.remove('Source', `s${before}`)
    for (const name of crowd(before)) await world.remove('Backbone', name)
  }
  const crowd = (of: number) => Array.from({ length: CROWD }, (_, index) => `b${of}-${index}`)

  /** What is there is Ready as it is now, what was deleted is gone, and nothing outside is there or was made twice. */
  async function settled(): Promise<void> {
    const now = round.number
    for (const name of ['kept', `s${now}`])
      await world.until('Ready', 'Source', name, ready('True', 'Streaming'), HEAL_MS)
    for (const name of crowd(now)) await world.until('Ready', 'Backbone', name, ready('True'), HEAL_MS)
    if (now > 1) {
      await world.gone('Source', `s${now - 1}`, HEAL_MS)
      for (const name of crowd(now - 1)) await world.gone('Backbone', name, HEAL_MS)
    }
    expect(await doubled(world, connect, ['kept', `s${now}`])).toEqual([])
  }

  it('at most ten connections carry everything', () => {
    expect(proxy.connections.most).toBeLessThanOrEqual(10)
  })

  it('connections reset every 5 s', async () => {
    for (let times = 0; times < 3; times++) {
      proxy.reset()
      if (times === 1) await change()
      await delay(5_000)
    }
    proxy.reset()
    await settled()
  })

  it('the API server killed and started again', async () => {
    const server = sharedServer(inject('testBed'), 'apiserver')
    await change()
    await server.kill()
    await delay(AWAY_MS)
    await server.start(AbortSignal.timeout(60_000))
    await settled()
    await change()
    await settled()
  })

  it('cut off until the server has forgotten what happened meanwhile (410)', async () => {
    const server = sharedServer(inject('testBed'), 'apiserver')
    proxy.refuse(true)
    await change()
    await compactHistory()
    await server.kill()
    await server.start(AbortSignal.timeout(60_000))
    proxy.refuse(false)
    await settled()
    expect(world.operator().log()).toMatch(/too old resource version/)
  })

  it('refused for ten seconds with 429 and Retry-After', async () => {
    const refused = () =>
      world
        .operator()
        .metric(`rest_client_requests_total{code="429",method="PATCH",host="127.0.0.1:${proxy.port}"}`)
    const allow = await refuseAll(world.kube, user)
    try {
      await change()
      await eventually('a write is refused', 10_000, async () => ((await refused()) > 0 ? true : undefined))
      await delay(10_000)
    } finally {
      await allow()
    }
    await settled()
  })
})
