import type { CloseReason, ResetReason } from '@penstock/protocol'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

import type { OutFrame } from './hub/frames.ts'

/** What a gateway counts. */
export interface GatewayMetrics {
  readonly registry: Registry
  connected(delta: 1 | -1): void
  subscribed(view: string, delta: 1 | -1): void
  /** A frame of a subscription was handed to its transport, at `now` (ms since 1970). */
  sent(view: string, frame: OutFrame, now: number): void
  reset(view: string, reason: ResetReason): void
  closed(reason: CloseReason | 'cut' | 'left'): void
  policyError(view: string): void
  /** Answers by REST. */
  answered(status: number): void
  /** Shows gauges of the views; asked at each scrape. */
  watchViews(read: () => readonly ViewFigures[]): void
}

/** Figures of one view at a scrape. */
export interface ViewFigures {
  readonly view: string
  readonly records: number
  readonly seconds: number
  readonly rows: number
  readonly skipped: number
}

/** A gateway's metrics in a registry of its own. `observeProcess` adds those of the process (once a process). */
export function createGatewayMetrics(observeProcess: boolean): GatewayMetrics {
  const registry = new Registry()
  if (observeProcess) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers })
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers })

  const connections = gauge('penstock_gateway_connections', 'Open client connections.')
  const subscriptions = gauge('penstock_gateway_subscriptions', 'Subscriptions by view.', ['view'])
  const deliveries = counter('penstock_gateway_deliveries_total', 'Rows sent to clients.', ['view'])
  const frames = counter('penstock_gateway_frames_total', 'Frames of subscriptions sent to clients.', [
    'view',
  ])
  const resets = counter('penstock_gateway_resets_total', 'Snapshots sent anew, by reason.', [
    'view',
    'reason',
  ])
  const closes = counter('penstock_gateway_closes_total', 'Connections ended, by reason.', ['reason'])
  const policyErrors = counter('penstock_gateway_policy_errors_total', 'Policies that threw, and denied.', [
    'view',
  ])
  const answers = counter('penstock_gateway_rest_answers_total', 'Answers by REST, by status.', ['status'])
  const freshness = new Histogram({
    name: 'penstock_gateway_freshness_seconds',
    help: 'From the commit at the source to the frame, oldest row of each frame of changes.',
    labelNames: ['view'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
    registers,
  })

  return {
    registry,
    connected: (delta) => connections.inc(delta),
    subscribed: (view, delta) => subscriptions.inc({ view }, delta),
    sent(view, { rows, oldestTs }, now) {
      frames.inc({ view })
      if (rows > 0) deliveries.inc({ view }, rows)
      if (oldestTs !== undefined && rows > 0) freshness.observe({ view }, Math.max(0, now - oldestTs) / 1_000)
    },
    reset: (view, reason) => resets.inc({ view, reason }),
    closed: (reason) => closes.inc({ reason }),
    policyError: (view) => policyErrors.inc({ view }),
    answered: (status) => answers.inc({ status }),
    watchViews(read) {
      for (const [name, help, value] of VIEW_GAUGES) {
        new Gauge({
          name,
          help,
          labelNames: ['view'],
          registers,
          collect() {
            for (const figures of read()) this.set({ view: figures.view }, value(figures))
          },
        })
      }
    },
  }
}

const VIEW_GAUGES: readonly (readonly [
  name: string,
  help: string,
  value: (figures: ViewFigures) => number,
])[] = [
  ['penstock_gateway_lag_records', 'Records not yet read.', ({ records }) => records],
  ['penstock_gateway_lag_seconds', 'Age of the oldest record not yet read.', ({ seconds }) => seconds],
  ['penstock_gateway_rows', 'Rows held.', ({ rows }) => rows],
  ['penstock_gateway_skipped', 'Records that could not be read.', ({ skipped }) => skipped],
]
