import type { ErrFrame, SubFrame } from '@penstock/protocol'

import { withTimeout } from '../../lib/time.ts'
import type { GatewayLimits } from '../limits.ts'
import type { GatewayMetrics } from '../metrics.ts'
import { type Claims, cohortHash, type Policy } from '../policy.ts'
import type { Content, View } from '../view/view.ts'
import { createAll } from './all.ts'
import { type Cohort, type Cohorts, createCohorts } from './cohorts.ts'
import { createDirectory, type Directory } from './directory.ts'
import { errFrame } from './frames.ts'
import { judge, needsFreshEnds, type Verdict } from './judge.ts'
import { createLatest } from './latest.ts'
import { type Matcher, matcherHash, matcherOf } from './selector.ts'
import type { Subscription } from './subscription.ts'

/** A view with those who look at it. */
export interface ServedView {
  readonly view: View
  readonly policy: Policy
  readonly cohorts: Cohorts
  readonly directory: Directory
  /** Asks the broker for the ends of the view's log; undefined when it does not answer. */
  readonly freshEnds: () => Promise<readonly number[] | undefined>
}

/** A subscription in its place, and how to take it out. */
export interface Placed {
  readonly subscription: Subscription
  readonly cohort: Cohort
  readonly frame: SubFrame
  track(add: readonly string[], drop: readonly string[]): void
  remove(): void
}

/** Longest wait for the broker when a token is beyond what this pod knows. */
const ENDS_MS = 5_000

/** Serves a view: its changes go to the subscriptions that they concern, in the turn in which they happen. */
export function serveView(
  view: View,
  policy: Policy,
  deps: {
    readonly limits: Pick<GatewayLimits, 'cohorts'>
    readonly metrics: GatewayMetrics
    readonly askEnds: (view: View, signal: AbortSignal) => Promise<readonly number[]>
    readonly signal: AbortSignal
  },
): ServedView {
  const { name } = view.config
  const directory = createDirectory(view.config.index)
  let asking: Promise<readonly number[] | undefined> | undefined
  view.listen({
    changed(change) {
      const blind = view.content?.progress[change.entry.partition]?.ready !== true
      for (const subscription of directory.of(change, blind)) subscription.offer(change)
    },
    advanced(partition) {
      if (view.content?.mode === 'All') for (const each of directory.all()) each.advanced(partition)
      else for (const each of directory.all()) if (each.holdDeadline() !== undefined) each.advanced(partition)
    },
    ready(partition) {
      for (const subscription of directory.all()) subscription.advanced(partition)
    },
    replaced() {
      for (const subscription of directory.all()) {
        deps.metrics.reset(name, 'epoch')
        subscription.restart('epoch')
      }
    },
  })
  return {
    view,
    policy,
    directory,
    cohorts: createCohorts(policy, deps.limits.cohorts, () => deps.metrics.policyError(name)),
    freshEnds() {
      // One question for all who come back at the same time.
      asking ??= deps
        .askEnds(view, withTimeout(deps.signal, ENDS_MS))
        .catch(() => undefined)
        .finally(() => {
          asking = undefined
        })
      return asking
    },
  }
}

/** What it takes to judge a token of this view; `ends` are the broker's, undefined where it did not answer. */
export function judgeFor(
  resume: string,
  { policy }: ServedView,
  content: Content,
  who: { readonly cohort: string; readonly matcher: Matcher },
  ends: readonly (number | undefined)[],
  resumeRows: number,
): Verdict {
  return judge(resume, {
    epoch: content.epoch,
    cohort: who.cohort,
    selector: matcherHash(who.matcher),
    mode: content.mode,
    policy: policy.type === 'PerRow' ? 'PerRow' : 'Same',
    resumeRows,
    partitions: content.progress.map((progress, partition) => ({
      position: progress.position,
      end: ends[partition] ?? Number.POSITIVE_INFINITY,
      floor: progress.floor,
      changedSince: (offset) =>
        content.mode === 'Latest' ? content.table.countSince(partition, offset, resumeRows + 1) : 0,
      ringCovers: (offset) => content.mode === 'All' && content.ring.covers(partition, offset),
    })),
  })
}

/** The ends that a token is to be judged by: known ones, or, when it is beyond them, the broker's own. */
export async function endsFor(
  resume: string,
  served: ServedView,
  content: Content,
): Promise<readonly (number | undefined)[]> {
  const known = content.progress.map(({ end, position }) => Math.max(end, position))
  if (!needsFreshEnds(resume, known)) return known
  const fresh = await served.freshEnds()
  return known.map((end, partition) => (fresh ? Math.max(end, fresh[partition] ?? 0) : undefined))
}

/** What a `sub` frame asks for, placed in its view, or the error to send. `lost` replaces the token's verdict. */
export async function place(
  frame: SubFrame,
  served: ServedView,
  who: { readonly claims: Claims; readonly wake: (subscription: Subscription) => void },
  deps: { readonly limits: GatewayLimits; readonly metrics: GatewayMetrics; readonly now: () => number },
  lost?: Verdict,
): Promise<Placed | ErrFrame> {
  const { view, policy } = served
  const { id } = frame
  const matcher = matcherOf(frame, view.config.index)
  if (typeof matcher === 'string') return errFrame('bad-selector', matcher, id)
  if (frame.mode && frame.mode !== view.config.mode) {
    return errFrame('bad-selector', `view "${frame.view}" serves mode ${view.config.mode} only`, id)
  }
  const unavailable = errFrame('view-unavailable', `view "${frame.view}" cannot be read yet`, id, 1_000)
  if (!view.content) return unavailable
  const ends = frame.resume === undefined || lost ? [] : await endsFor(frame.resume, served, view.content)
  const content = view.content
  const cohort = served.cohorts.join(who.claims)
  if (!cohort)
    return errFrame('too-many-cohorts', `view "${frame.view}" serves too many kinds of clients`, id, 10_000)
  if (policy.type === 'PerClient' && !cohort.sees({})) {
    served.cohorts.leave(cohort)
    return errFrame('forbidden', `view "${frame.view}" is not for this client`, id)
  }
  const hash = cohortHash(policy, who.claims)
  const verdict =
    lost ??
    (frame.resume === undefined
      ? undefined
      : judgeFor(frame.resume, served, content, { cohort: hash, matcher }, ends, deps.limits.resumeRows))
  countResets(deps.metrics, frame.view, verdict)
  const subscription = subscriptionOf(
    frame,
    served,
    { matcher, cohort, verdict, now: deps.now() },
    deps.limits,
    (each) => who.wake(each),
  )
  served.directory.add(subscription)
  return {
    subscription,
    cohort,
    frame,
    track(add, drop) {
      served.directory.remove(subscription)
      subscription.track(add, drop)
      served.directory.add(subscription)
    },
    remove() {
      served.directory.remove(subscription)
      served.cohorts.leave(cohort)
    },
  }
}

function subscriptionOf(
  frame: SubFrame,
  { view }: ServedView,
  made: { matcher: Matcher; cohort: Cohort; verdict: Verdict | undefined; now: number },
  limits: GatewayLimits,
  wake: (subscription: Subscription) => void,
): Subscription {
  const { id, view: name, maxHz = Number.POSITIVE_INFINITY } = frame
  const { matcher, cohort, verdict, now } = made
  const common = { id, view: name, matcher, cohort, maxHz, limits, now, wake: () => wake(subscription) }
  const subscription: Subscription =
    view.config.mode === 'All'
      ? createAll(
          { ...common, content: () => (view.content?.mode === 'All' ? view.content : undefined) },
          verdict,
        )
      : createLatest(
          { ...common, content: () => (view.content?.mode === 'Latest' ? view.content : undefined) },
          verdict,
        )
  return subscription
}

function countResets(metrics: GatewayMetrics, view: string, verdict: Verdict | undefined): void {
  if (verdict?.type === 'ResetAll') metrics.reset(view, verdict.reason)
  if (verdict?.type !== 'Partitions') return
  for (const each of verdict.verdicts) if (each.type === 'Reset') metrics.reset(view, each.reason)
}
