import { Client } from 'pg'
import { type BedAddresses, type Server, siteDatabase } from '../../dev/testing.ts'
import { eventually } from '../../test/operator/eventually.ts'
import { sameRows } from '../../test/operator/rows.ts'
import { startProxy, type TcpProxy } from '../../test/proxy.ts'
import type { Begun, OwnDrill, Stage } from './drill.ts'
import { openOwn } from './workers.ts'

const starting = () => AbortSignal.timeout(60_000)

/** 7: the primary dies, and a standby that lags takes over at its address; slots are in no base backup. */
export const failedOver: OwnDrill = {
  number: 7,
  failure: 'failover to a primary without the slot',
  beside: 'Others',
  shown: {
    condition: 'SourceRetained',
    reason: 'SlotMissing',
    message:
      /slot \w+ is gone.*took over in a failover.*delete this Source and make it again.*slot\.failover/,
    ready: 'False',
  },
  begin: async (bed) => {
    const site = await openOwn(2)
    const [primaryPort = 0, standbyPort = 0] = site.ports
    const address = await startProxy(primaryPort)
    const close = async () => {
      await address.close()
      await site.discard()
    }
    try {
      const primary = await siteDatabase(site, { name: 'primary', port: primaryPort })
      await primary.start(starting())
      const standby = await siteDatabase(site, { name: 'standby', port: standbyPort, primaryPort })
      return { ...acts({ primary, standby, standbyPort, address }), bed: behind(bed, address), close }
    } catch (error) {
      await close()
      throw error
    }
  },
}

interface Pair {
  readonly primary: Server
  readonly standby: Server
  readonly standbyPort: number
  /** Where whoever is primary is reached. */
  readonly address: TcpProxy
}

function behind(bed: BedAddresses, { port }: TcpProxy): BedAddresses {
  const superuserUrl = `postgres://postgres@127.0.0.1:${port}/postgres`
  return { ...bed, postgres: { host: '127.0.0.1', port, superuserUrl } }
}

function acts({ primary, standby, standbyPort, address }: Pair): Pick<Begun, 'prepare' | 'cause' | 'remedy'> {
  return {
    prepare: async (stage) => {
      await standby.start(starting())
      await stage.running()
      await follows(stage)
    },
    cause: async ({ world, work }) => {
      // What the primary commits from here on, readers of the topic see and the standby never has.
      await standby.kill()
      await work()
      await sameRows(world, 'public.orders')
      await primary.kill()
      await standby.start(starting())
      await promote(standbyPort)
      address.turnTo(standbyPort)
      await work()
    },
    remedy: (stage) => stage.remake(),
  }
}

/** Waits until the standby has everything that the primary has committed. */
async function follows({ world }: Stage): Promise<void> {
  await eventually('the standby follows', 30_000, async () => {
    const [found] = await world.sql(
      "SELECT replay_lsn >= pg_current_wal_flush_lsn() AS all FROM pg_stat_replication WHERE application_name = 'walreceiver'",
    )
    return found?.['all'] === true ? true : undefined
  })
}

async function promote(port: number): Promise<void> {
  const client = new Client({ connectionString: `postgres://postgres@127.0.0.1:${port}/postgres` })
  await client.connect()
  try {
    await client.query('SELECT pg_promote()')
  } finally {
    await client.end()
  }
}
