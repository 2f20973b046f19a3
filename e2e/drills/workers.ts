import { terminalProgress } from '../../dev/lib/run.ts'
import { type BedAddresses, openSite, type Server, type Site, siteWorker } from '../../dev/testing.ts'
import type { Begun, OwnDrill, Shown } from './drill.ts'

const RUN_LIMIT_MS = 10 * 60_000
const starting = () => AbortSignal.timeout(60_000)

const MISSING: Shown = {
  condition: 'PreflightPassed',
  reason: 'PluginMissing',
  message:
    /has no plugin io\.debezium\.connector\.postgresql\.PostgresConnector, nor any other: install version 3\.4 or later on every worker and restart it/,
  ready: 'False',
}

/** 28: a Source is made where the workers never had the plugin. */
export const pluginMissing: OwnDrill = {
  number: 28,
  failure: 'plugin missing on the workers',
  beside: 'Others',
  shown: MISSING,
  begin: (bed) =>
    withWorkers(bed, async ({ bare, whole }) => {
      await bare.start(starting())
      return {
        prepare: async () => undefined,
        cause: (stage) => stage.apply(),
        remedy: () => replace(bare, whole),
      }
    }),
}

/** 28: the workers under a Source that runs get a new image, and it lacks the plugin. */
export const pluginGone: OwnDrill = {
  number: 28,
  failure: 'plugin gone from the workers under a running Source',
  beside: 'Others',
  shown: MISSING,
  begin: (bed) =>
    withWorkers(bed, async ({ bare, whole }) => {
      await whole.start(starting())
      return {
        cause: async ({ work }) => {
          await replace(whole, bare)
          await work()
        },
        remedy: () => replace(bare, whole),
      }
    }),
}

/** 28: one worker of two lacks the plugin, and the work comes to it. */
export const pluginOnSome: OwnDrill = {
  number: 28,
  failure: 'plugin missing on one worker of two',
  beside: 'Others',
  shown: {
    condition: 'ConnectorRunning',
    reason: 'PluginMissing',
    message:
      /failed on worker \S+: .*lacks a plugin which others have: install the same ones on every worker/,
    ready: 'False',
  },
  begin: async (bed) => {
    const site = await openOwn(2)
    const [port = 0, other = 0] = site.ports
    // Work is given to others at once.
    const wish = { group: `own-${port}`, properties: { 'scheduled.rebalance.max.delay.ms': '0' } }
    const whole = await siteWorker(site, bed, { ...wish, name: 'whole', port, plugins: 'All' })
    const bare = await siteWorker(site, bed, { ...wish, name: 'bare', port: other, plugins: 'None' })
    const mended = await siteWorker(site, bed, { ...wish, name: 'mended', port: other, plugins: 'All' })
    await whole.start(starting())
    return {
      cause: async () => {
        await bare.start(starting())
        await replace(whole, whole)
      },
      remedy: () => replace(bare, mended),
      bed: { ...bed, connectUrl: `http://127.0.0.1:${port}` },
      close: site.discard,
    }
  },
}

/** The same worker as it is started without the connector plugins, and with them. */
interface Workers {
  readonly bare: Server
  readonly whole: Server
}

async function withWorkers(
  bed: BedAddresses,
  acts: (workers: Workers) => Promise<Omit<Begun, 'bed' | 'close'>>,
): Promise<Begun> {
  const site = await openOwn(1)
  try {
    const [port = 0] = site.ports
    const worker = (name: string, plugins: 'All' | 'None') =>
      siteWorker(site, bed, { name, port, plugins, group: `own-${port}` })
    const workers = { bare: await worker('bare', 'None'), whole: await worker('whole', 'All') }
    const connectUrl = `http://127.0.0.1:${port}`
    return { ...(await acts(workers)), bed: { ...bed, connectUrl }, close: site.discard }
  } catch (error) {
    await site.discard()
    throw error
  }
}

async function replace(former: Server, next: Server): Promise<void> {
  await former.stop()
  await next.start(starting())
}

/** A site for the own servers of a drill. */
export function openOwn(ports: number): Promise<Site> {
  return openSite(ports, { progress: terminalProgress(), signal: AbortSignal.timeout(RUN_LIMIT_MS) })
}
