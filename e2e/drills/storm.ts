import { setTimeout as delay } from 'node:timers/promises'
import { type Server, siteWorker } from '../../dev/testing.ts'
import { condition, ready, sourceSpec } from '../../test/operator/objects.ts'
import { type Recorder, startRecorder } from '../../test/operator/recorder.ts'
import type { World } from '../../test/operator/world.ts'
import { startProxy, type TcpProxy } from '../../test/proxy.ts'
import type { Begun, OwnDrill, Stage } from './drill.ts'
import { openOwn } from './workers.ts'

const OTHERS = ['second', 'third']
const starting = () => AbortSignal.timeout(60_000)

/** 21: workers of a group come and go under three Sources, and the last that goes stays away. */
export const storm: OwnDrill = {
  number: 21,
  failure: 'rebalance storm',
  beside: 'Others',
  shown: {
    condition: 'ConnectorRunning',
    reason: 'Unassigned',
    message:
      /no worker for it yet.*scheduled\.rebalance\.max\.delay\.ms.*given to others.*Restart nothing before/,
    ready: 'False',
  },
  begin: async (bed) => {
    const site = await openOwn(2)
    const [port = 0] = site.ports
    const service = await startProxy(port)
    const recorder = await startRecorder(`http://127.0.0.1:${service.port}`)
    const close = async () => {
      await recorder.close()
      await service.close()
      await site.discard()
    }
    try {
      const group = {
        group: `own-${port}`,
        plugins: 'All',
        properties: { 'scheduled.rebalance.max.delay.ms': KEPT_MS },
      } as const
      const workers = await Promise.all(
        site.ports.map(async (own) => ({
          port: own,
          server: await siteWorker(site, bed, { name: `worker-${own}`, port: own, ...group }),
        })),
      )
      for (const { server } of workers) await server.start(starting())
      return { ...acts({ workers, service, recorder }), bed: { ...bed, connectUrl: recorder.url }, close }
    } catch (error) {
      await close()
      throw error
    }
  },
}

/** For so long the work of a worker that went is kept for it. */
const KEPT_MS = 20_000

interface Group {
  readonly workers: readonly { readonly port: number; readonly server: Server }[]
  /** Leads to the worker that stays. */
  readonly service: TcpProxy
  readonly recorder: Recorder
}

type Worker = Group['workers'][number]

function acts({ workers, service, recorder }: Group): Omit<Begun, 'bed' | 'close'> {
  const over = new AbortController()
  const seen = { stalled: new Set<string>(), writes: [] as readonly string[] }
  const going: Worker[] = []
  return {
    prepare: async (stage) => {
      await stage.running()
      for (const name of OTHERS)
        await stage.world.apply('Source', name, sourceSpec(stage.world, [{ name: 'public.orders' }]))
      await allStream(stage.world)
    },
    cause: async (stage) => {
      const { goes, stays } = await apart(stage, workers)
      going.push(goes)
      service.turnTo(stays.port)
      seen.writes = [...recorder.writes]
      void noteStalled(stage.world, seen.stalled, over.signal)
      await goes.server.stop()
      await stage.work()
      await goes.server.start(starting())
      await stage.work()
      await goes.server.kill()
      await goes.server.start(starting())
      await stage.work()
      await goes.server.stop()
    },
    // Restart nothing before.
    remedy: async () => undefined,
    proof: async ({ world }) => {
      for (const { server } of going) await server.start(starting())
      await delay(5_000)
      await allStream(world)
      over.abort()
      const more = recorder.writes.slice(seen.writes.length)
      if (more.length > 0) throw new Error(`the operator added to the storm: ${more.join(', ')}`)
      if (seen.stalled.size > 0) throw new Error(`Stalled meanwhile: ${[...seen.stalled].join('; ')}`)
    },
    restore: async () => over.abort(),
  }
}

/** The worker that the task of shop is on, which goes, and the other. */
async function apart(
  { world, connector }: Stage,
  workers: readonly Worker[],
): Promise<{ readonly goes: Worker; readonly stays: Worker }> {
  const views = await world.connect.connectors(AbortSignal.timeout(20_000))
  const at = views.get(connector)?.status?.tasks[0]?.worker ?? ''
  const goes = workers.find(({ port }) => at.endsWith(`:${port}`))
  const stays = workers.find((worker) => worker !== goes)
  if (!goes || !stays) throw new Error(`the task of ${connector} is on ${at || 'no worker'}`)
  return { goes, stays }
}

async function allStream(world: World): Promise<void> {
  for (const name of ['shop', ...OTHERS])
    await world.until('Ready', 'Source', name, ready('True', 'Streaming'), 90_000)
}

/** Collects what a Source is Stalled by, until the signal. */
async function noteStalled(world: World, into: Set<string>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const name of ['shop', ...OTHERS]) {
      const stalled = condition(await world.get('Source', name).catch(() => undefined), 'Stalled')
      if (stalled) into.add(`${name} ${stalled.reason}: ${stalled.message}`)
    }
    await delay(500)
  }
}
