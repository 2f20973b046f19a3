import type { HopLag, UnitStatus, WorkloadStatus } from '../contracts/workload.ts'
import type { ViewFigures } from './metrics.ts'
import type { Progress } from './view/progress.ts'
import type { View } from './view/view.ts'

/** What a gateway says of itself. */
export function gatewayStatus(
  gateway: {
    readonly version: string
    readonly hash: string
    readonly connections: number
    readonly views: readonly View[]
  },
  now: number,
): WorkloadStatus {
  const { version, hash, connections, views } = gateway
  return { role: 'gateway', version, hash, units: views.map((view) => unitOf(view, now)), connections }
}

/** Why no traffic should come yet; undefined when every view that has a topic can be shown, and at least one can. */
export function notReady(views: readonly View[]): string | undefined {
  const loading = views.find((view) => view.error === undefined && !isLoaded(view))
  if (loading) return `view ${loading.config.name} is being read`
  if (views.length === 0 || views.some(isLoaded)) return undefined
  return `no view can be read: ${views[0]?.error ?? ''}`
}

/** Whether all partitions were once read to their end. */
export function isLoaded({ content }: View): boolean {
  return content?.progress.every(({ ready }) => ready) ?? false
}

/** Figures of one view for metrics. */
export function figuresOf(view: View, now: number): ViewFigures {
  const { content, config, skipped } = view
  const rows = content?.mode === 'Latest' ? content.table.size() : 0
  return { view: config.name, ...lagOf(content?.progress ?? [], now), rows, skipped }
}

function unitOf(view: View, now: number): UnitStatus {
  return {
    name: view.config.name,
    state: view.error !== undefined ? 'Failed' : isLoaded(view) ? 'Running' : 'Starting',
    lag: lagOf(view.content?.progress ?? [], now),
    skipped: view.skipped,
    ...(view.error === undefined ? {} : { error: view.error }),
  }
}

/** What is waiting came after the last record read, and after nothing was waiting: the later of both is its age at most. */
function lagOf(progress: readonly Progress[], now: number): HopLag {
  const behind = progress.filter(({ position, end }) => position < end)
  const ages = behind.map(
    ({ lastRecordAt, caughtUpAt }) => (now - Math.max(lastRecordAt, caughtUpAt)) / 1_000,
  )
  return {
    records: behind.reduce((sum, { position, end }) => sum + end - position, 0),
    seconds: Math.max(0, ...ages.filter((age) => age < 1e9)),
  }
}
