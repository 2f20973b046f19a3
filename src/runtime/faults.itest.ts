import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, type TestContext, vi } from 'vitest'
import { eventually } from '../../test/operator/eventually.ts'
import { adminKube, NAMESPACES } from '../../test/operator/kube.ts'
import { apiPort, writeKubeconfig } from '../../test/operator/kubeconfig.ts'
import { startProxy, type TcpProxy } from '../../test/proxy.ts'
import { silentLogger } from '../lib/log.ts'
import { createCache } from './cache.ts'
import { createTransport } from './credentials.ts'
import { createKubeClient, type KubeClient, type KubeObject, type ResourceType } from './kube.ts'
import { lead } from './leader.ts'
import { reflect } from './reflector/index.ts'

const CONFIG_MAPS: ResourceType = { group: '', version: 'v1', plural: 'configmaps' }
type Finally = TestContext['onTestFinished']
const limit = () => AbortSignal.timeout(20_000)
const namespace = `runtime-${randomBytes(3).toString('hex')}`

describe('with the API server behind a bad network', () => {
  let admin: Awaited<ReturnType<typeof adminKube>>
  beforeAll(async () => {
    admin = await adminKube(inject('testBed').kubeconfig)
    await admin.create(NAMESPACES, { metadata: { name: namespace } }, limit())
  })
  afterAll(async () => {
    await admin.remove(NAMESPACES, undefined, namespace, limit())
    await admin.close()
  })
  afterEach(() => vi.unstubAllEnvs())

  /** A client as the operator has it, by way of a proxy of its own. */
  async function clientBehindProxy(
    onTestFinished: Finally,
  ): Promise<{ readonly kube: KubeClient; readonly proxy: TcpProxy }> {
    const { kubeconfig } = inject('testBed')
    const proxy = await startProxy(await apiPort(kubeconfig))
    const file = join(tmpdir(), `${namespace}-${proxy.port}.kubeconfig`)
    vi.stubEnv('KUBECONFIG', await writeKubeconfig(kubeconfig, { file, port: proxy.port }))
    const transport = createTransport(Date.now)
    onTestFinished(async () => {
      await transport.close()
      await proxy.close()
      await rm(file)
    })
    return { kube: createKubeClient(transport), proxy }
  }

  async function reflectedConfigMaps(kube: KubeClient, onTestFinished: Finally) {
    const stop = new AbortController()
    const cache = createCache<KubeObject>()
    const synced = Promise.withResolvers<void>()
    const reflecting = reflect(
      {
        ...{ kube, cache, type: CONFIG_MAPS, log: silentLogger(), random: Math.random },
        onSynced: synced.resolve,
      },
      stop.signal,
    )
    onTestFinished(async () => {
      stop.abort()
      await reflecting
    })
    await synced.promise
    return cache
  }
  const make = (name: string) => admin.create(CONFIG_MAPS, { metadata: { name, namespace } }, limit())

  it.concurrent('a cache is filled by the watch itself, without a list', async ({ onTestFinished }) => {
    const { kube } = await clientBehindProxy(onTestFinished)
    await make('first')
    const watches: Readonly<Record<string, string>>[] = []
    const cache = await reflectedConfigMaps(
      {
        ...kube,
        list: () => Promise.reject(new Error('listed')),
        watch: (type, query, signal) => {
          watches.push(query)
          return kube.watch(type, query, signal)
        },
      },
      onTestFinished,
    )
    expect(cache.get(`${namespace}/first`)?.metadata).not.toHaveProperty('managedFields')
    expect(watches).toHaveLength(1)
    expect(watches[0]).toMatchObject({ sendInitialEvents: 'true' })
  })

  it.concurrent('connections reset again and again: everything arrives', async ({ onTestFinished }) => {
    const { kube, proxy } = await clientBehindProxy(onTestFinished)
    const cache = await reflectedConfigMaps(kube, onTestFinished)
    const names = Array.from({ length: 8 }, (_, index) => `reset-${index}`)
    for (const name of names) {
      await make(name)
      proxy.reset()
      await delay(500)
    }
    await admin.remove(CONFIG_MAPS, namespace, 'reset-0', limit())
    await eventually('all but the deleted one are there', 30_000, async () => {
      const there = names.filter((name) => cache.get(`${namespace}/${name}`))
      return there.length === names.length - 1 && !there.includes('reset-0') ? true : undefined
    })
  })

  it.concurrent('a watch whose packets are swallowed is noticed within 60 s, while calls go on', async ({
    onTestFinished,
  }) => {
    const { kube, proxy } = await clientBehindProxy(onTestFinished)
    const cache = await reflectedConfigMaps(kube, onTestFinished)
    const deafAt = Date.now()
    proxy.deafen()
    await make('unheard')
    expect(await kube.get(CONFIG_MAPS, namespace, 'unheard', AbortSignal.timeout(5_000))).toBeDefined()
    expect(cache.get(`${namespace}/unheard`)).toBeUndefined()
    await eventually('the cache knows', 70_000, async () => cache.get(`${namespace}/unheard`))
    expect(Date.now() - deafAt).toBeLessThan(60_000)
  })

  it.concurrent('clocks ten minutes apart: one leads, the other only once the first is cut off and has stopped', async ({
    onTestFinished,
  }) => {
    const happened: string[] = []
    const candidate = (identity: string, skewMs: number, kube: KubeClient, signal: AbortSignal) =>
      lead(
        {
          ...{ kube, identity, namespace, name: 'skew', log: silentLogger(), random: Math.random },
          now: () => new Date(Date.now() + skewMs),
          monotonic: () => performance.now(),
        },
        async (working) => {
          happened.push(`${identity} works`)
          await new Promise<void>((resolve) => working.addEventListener('abort', () => resolve()))
          happened.push(`${identity} stopped`)
        },
        signal,
      ).catch(() => undefined)
    const slow = await clientBehindProxy(onTestFinished)
    const fast = await clientBehindProxy(onTestFinished)
    const stop = new AbortController()
    const first = candidate('slow', -300_000, slow.kube, stop.signal)
    await eventually('the first leads', 5_000, async () => (happened.length === 1 ? true : undefined))
    const second = candidate('fast', 300_000, fast.kube, stop.signal)
    // Longer than a Lease holds.
    await delay(18_000)
    expect(happened).toEqual(['slow works'])
    slow.proxy.refuse(true)
    const cutAt = Date.now()
    await eventually('the second leads', 25_000, async () => (happened.length === 3 ? true : undefined))
    expect(Date.now() - cutAt).toBeLessThan(20_000)
    expect(happened).toEqual(['slow works', 'slow stopped', 'fast works'])
    stop.abort()
    await Promise.all([first, second])
  })
})
