import { setTimeout as delay } from 'node:timers/promises'
import { type BedAddresses, type Server, siteWorker } from '../../dev/testing.ts'
import { condition, ready, sourceSpec } from '../../test/operator/objects.ts'
import { type Recorder, startRecorder } from '../../test/operator/recorder.ts'
import { sameRows } from '../../test/operator/rows.ts'
import type { World } from '../../test/operator/world.ts'
import type { Begun, OwnDrill, Stage } from './drill.ts'
import { openOwn } from './workers.ts'

const FIRST = 'first'
const LAST = 'last'
const SOURCES = ['shop', FIRST, LAST]
const starting = () => AbortSignal.timeout(60_000)

/** 21: workers come and go under three Sources, the last that goes stays away, and each Source is changed: told Connect once. */
export const storm: OwnDrill = {
  number: 21,
  failure: 'rebalance storm',
  beside: 'Others',
  shown: {
    condition: 'ConnectorRunning',
    reason: 'Unassigned',
    message:
      /no worker for it yet.*scheduled\.rebalance\.max\.delay\.ms.*given to others.*nothing has to be restarted/,
    ready: 'False',
  },
  begin: (bed) => withGroup(bed, acts),
}

/** 21: a worker is gone at once, and Connect goes on saying RUNNING of what it did. */
export const workerKilled: OwnDrill = {
  number: 21,
  failure: 'worker killed: RUNNING on a worker that is not there',
  beside: 'Others',
  shown: {
    condition: 'ConnectorRunning',
    reason: 'NotStreaming',
    message:
      /nobody reads the replication slot: see that worker 127\.0\.0\.1:\d+ runs.*restart no connector before/,
    ready: 'False',
  },
  begin: (bed) =>
    withGroup(bed, (group) => ({
      prepare: (stage) => spread(stage, group),
      cause: async (stage) => {
        await leave(stage, group, 'kill')
        await stage.work()
      },
      remedy: async (_stage, message) => {
        if (!message.includes(`:${group.follower.port} runs`))
          throw new Error(`names another worker: ${message}`)
        await group.follower.server.start(starting())
      },
    })),
}

/** For so long the work of a worker that went is kept for it. */
const KEPT_MS = 20_000

interface Group {
  /** Leads the group, and stays: whoever takes the lead anew keeps no work for those that have gone. */
  readonly leader: Worker
  /** Not started yet. */
  readonly follower: Worker
  readonly recorder: Recorder
}

interface Worker {
  readonly port: number
  readonly server: Server
}

/** Two workers of a group, and a way to the one that leads it that remembers what was written. */
async function withGroup(
  bed: BedAddresses,
  actsOn: (group: Group) => Omit<Begun, 'bed' | 'close'>,
): Promise<Begun> {
  const site = await openOwn(2)
  const [port = 0, other = 0] = site.ports
  const recorder = await startRecorder(`http://127.0.0.1:${port}`)
  const close = async () => {
    await recorder.close()
    await site.discard()
  }
  const worker = async (own: number): Promise<Worker> => {
    const properties = { 'scheduled.rebalance.max.delay.ms': KEPT_MS }
    const wish = {
      name: `worker-${own}`,
      port: own,
      group: `own-${port}`,
      plugins: 'All',
      properties,
    } as const
    return { port: own, server: await siteWorker(site, bed, wish) }
  }
  try {
    const group = { leader: await worker(port), follower: await worker(other), recorder }
    await group.leader.server.start(starting())
    return { ...actsOn(group), bed: { ...bed, connectUrl: recorder.url }, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Has shop work on the worker that follows: what is new goes to the one that has less. */
async function spread({ world, running }: Stage, { follower }: Group): Promise<void> {
  await world.apply('Source', FIRST, sourceSpec(world, [{ name: 'public.orders' }]))
  await streams(world, FIRST)
  await follower.server.start(starting())
  await running()
}

function acts(group: Group): Omit<Begun, 'bed' | 'close'> {
  const { recorder } = group
  const over = new AbortController()
  const seen = { stalled: new Set<string>(), accepted: 0 }
  return {
    prepare: async (stage) => {
      await spread(stage, group)
      await stage.world.apply('Source', LAST, sourceSpec(stage.world, [{ name: 'public.orders' }]))
      await streams(stage.world, LAST)
    },
    cause: async (stage) => {
      seen.accepted = recorder.accepted.length
      void noteStalled(stage.world, seen.stalled, over.signal)
      for (const end of ['stop', 'kill'] as const) {
        await group.follower.server[end]()
        await stage.work()
        await group.follower.server.start(starting())
      }
      // Until then Connect may give out, at any moment, what the one before was to come back for.
      await delay(KEPT_MS)
      // Only rows that have come prove that its task runs where Connect says.
      await stage.work()
      await sameRows(stage.world, 'public.orders')
      await leave(stage, group, 'stop')
      for (const name of SOURCES) await stage.world.apply('Source', name, changed(stage.world))
    },
    // Nothing has to be restarted.
    remedy: async () => undefined,
    proof: async ({ world }) => {
      await group.follower.server.start(starting())
      await delay(5_000)
      for (const name of SOURCES) await streams(world, name)
      over.abort()
      // With the leader gone some are refused, and told again.
      const told = recorder.accepted.slice(seen.accepted).sort()
      const due = SOURCES.map((name) => `PUT /connectors/${world.namespace}.${name}/config`).sort()
      if (told.join() !== due.join()) throw new Error(`Connect was told ${told.join(', ') || 'nothing'}`)
      if (seen.stalled.size > 0) throw new Error(`Stalled meanwhile: ${[...seen.stalled].join('; ')}`)
    },
    restore: async () => over.abort(),
  }
}

/** A Source of which only a setting of the connector changes. */
const changed = (world: World) =>
  sourceSpec(world, [{ name: 'public.orders' }], { connector: { config: { 'max.batch.size': '1024' } } })

/** Ends the worker that the task of shop is on. */
async function leave({ world, connector }: Stage, { follower }: Group, end: 'stop' | 'kill'): Promise<void> {
  const views = await world.connect.connectors(AbortSignal.timeout(20_000))
  const at = views.get(connector)?.status?.tasks[0]?.worker ?? ''
  if (!at.endsWith(`:${follower.port}`))
    throw new Error(`the task of ${connector} is on ${at || 'no worker'}`)
  await follower.server[end]()
}

const streams = (world: World, name: string) =>
  world.until('Ready', 'Source', name, ready('True', 'Streaming'), 90_000)

/** Collects what a Source is Stalled by, until the signal. */
async function noteStalled(world: World, into: Set<string>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const name of SOURCES) {
      const stalled = condition(await world.get('Source', name).catch(() => undefined), 'Stalled')
      if (stalled) into.add(`${name} ${stalled.reason}: ${stalled.message}`)
    }
    await delay(500)
  }
}
