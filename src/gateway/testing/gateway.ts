import type { GatewayConfig, ViewConfig } from '../../contracts/gateway.ts'
import { silentLogger } from '../../lib/log.ts'
import { type GatewayParts, type RunningGateway, startGateway } from '../gateway.ts'
import { type GatewayLimits, LIMITS } from '../limits.ts'
import { isLoaded } from '../status.ts'
import type { FakeTopic } from './reader.ts'

/** A view of a topic of rows, with what a test cares about. */
export function testView(over: Partial<ViewConfig> = {}): ViewConfig {
  return {
    name: 'orders',
    input: { name: 'orders', topic: 'orders', format: 'Row', key: [], epoch: 'e1' },
    index: ['status'],
    mode: 'Latest',
    ...over,
  }
}

/** A real gateway on free ports of this machine, over a topic in memory. */
export async function startTestGateway(
  topic: FakeTopic,
  over: {
    views?: readonly ViewConfig[]
    limits?: Partial<GatewayLimits>
    config?: Partial<GatewayConfig>
  } & Partial<Pick<GatewayParts, 'keysOf'>> = {},
): Promise<RunningGateway & { readonly url: string; readonly rest: string; readonly status: string }> {
  const local = { host: '127.0.0.1', port: 0 }
  const gateway = await startGateway({
    config: {
      version: 1,
      hash: 'h',
      pipeline: { namespace: 'n', name: 'p' },
      kafka: { bootstrapServers: ['memory'] },
      views: over.views ?? [testView()],
      auth: { type: 'Anonymous' },
      allowedOrigins: ['https://shop.example.com'],
      ...over.config,
    },
    version: 'test',
    listen: local,
    statusListen: local,
    limits: { ...LIMITS, ...over.limits },
    admin: topic.admin,
    createReader: () => topic.reader(),
    keysOf: over.keysOf ?? (() => () => Promise.reject(new Error('no keys'))),
    log: silentLogger(),
    now: Date.now,
    random: Math.random,
    observeProcess: false,
  })
  return {
    ...gateway,
    url: `ws://127.0.0.1:${gateway.port}/v1/stream`,
    rest: `http://127.0.0.1:${gateway.port}/v1/views`,
    status: `http://127.0.0.1:${gateway.statusPort}`,
  }
}

/** Waits until something holds, looking every 2 ms; throws after `ms`. */
export async function until(holds: () => boolean, ms = 3_000): Promise<void> {
  const end = Date.now() + ms
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Waits until every view was read. */
export async function untilLoaded(gateway: RunningGateway): Promise<void> {
  await until(() => gateway.views.every(isLoaded))
}
