import { setTimeout as delay } from 'node:timers/promises'
import type { Measured } from './measure.ts'
import type { Place } from './place.ts'

const SETTLE_MS = 15_000

/** What the operator costs that looks after so many Sources on one Connect, when nothing changes. */
export async function measureFleet(place: Place, sources: number, restMs: number): Promise<Measured> {
  const names = Array.from({ length: sources }, (_, n) => `fleet${n}`)
  for (const name of names) {
    await place.sql(`CREATE TABLE public.${name} (id int primary key)`)
    await place.sql(`ALTER TABLE public.${name} OWNER TO ${place.login.username}`)
  }
  await Promise.all(
    names.map((name) => place.source(name, { tables: [`public.${name}`], latency: 'Balanced' })),
  )
  const begun = performance.now()
  await place.ready('Streaming', sources)
  const readySeconds = (performance.now() - begun) / 1_000
  await delay(SETTLE_MS, undefined, { signal: place.signal })
  const cpu = () => place.operator.metric('process_cpu_seconds_total')
  const [before, calls, at] = [await cpu(), place.toConnect.calls(), performance.now()]
  await delay(restMs, undefined, { signal: place.signal })
  const seconds = (performance.now() - at) / 1_000
  return {
    fleetReadySeconds: readySeconds,
    fleetOperatorCpuPercent: (100 * ((await cpu()) - before)) / seconds,
    fleetOperatorRssMiB: (await place.operator.metric('process_resident_memory_bytes')) / 2 ** 20,
    fleetConnectCallsPerSecond: (place.toConnect.calls() - calls) / seconds,
  }
}
