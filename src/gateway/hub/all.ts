import type { ResetReason } from '@penstock/protocol'

import type { GatewayLimits } from '../limits.ts'
import type { Entry } from '../view/entry.ts'
import type { Content } from '../view/view.ts'
import type { Cohort } from './cohorts.ts'
import { createRowBatch, errFrame, type OutFrame, plainFrame } from './frames.ts'
import type { Verdict } from './judge.ts'
import { type Matcher, matcherHash, matches } from './selector.ts'
import type { Step, Subscription } from './subscription.ts'
import { encodeToken } from './token.ts'

/** What a subscription to every event is made of. */
export interface AllOptions {
  readonly id: string
  readonly view: string
  readonly matcher: Matcher
  readonly cohort: Cohort
  /** The view's content now; another one is followed by `restart`. */
  readonly content: () => Extract<Content, { readonly mode: 'All' }> | undefined
  readonly maxHz: number
  readonly limits: Pick<GatewayLimits, 'holdMs'>
  readonly wake: () => void
  readonly now: number
}

/** Events that one step looks at. */
const STEP = 2_000

/**
 * A subscription to every event: a place in the view's ring, so that a slow client costs nothing. When the ring has
 * moved past that place, events were lost for this client: it is told so (`gap`) and goes on live.
 */
export function createAll(options: AllOptions, verdict: Verdict | undefined): Subscription {
  const { id, cohort, content, limits, wake } = options
  const waiting: OutFrame[] = []
  let matcher = options.matcher
  let selector = matcherHash(matcher)
  let at = 0
  /** Per partition the offset below which everything was delivered. */
  let offsets: number[] = []
  let acknowledge = true
  let holdUntil: number | undefined
  let notBefore = 0
  let lastToken: string | undefined

  function goLive(): void {
    at = content()?.ring.next ?? 0
    offsets = content()?.progress.map(({ position }) => position) ?? []
  }

  function gap(reason: ResetReason): void {
    waiting.push(plainFrame({ t: 'reset', id, reason, all: true }))
    goLive()
    acknowledge = true
  }

  const shows = (entry: Entry): boolean =>
    matches(matcher, entry.key, entry.row) &&
    (cohort.policy !== 'PerRow' || (entry.row !== undefined && cohort.sees(entry.row)))

  /** At the ring's end everything that was read has been delivered, whether it was an event or not. */
  function token(): string | undefined {
    const now = content()
    if (!now || offsets.length === 0) return undefined
    const delivered =
      at < now.ring.next
        ? offsets
        : offsets.map((offset, each) => Math.max(offset, now.progress[each]?.position ?? 0))
    return encodeToken({ epoch: now.epoch, cohort: cohort.hash, selector, offsets: delivered })
  }

  function events(now: number): Step {
    const ring = content()?.ring
    if (!ring) return { type: 'Idle' }
    const batch = createRowBatch()
    for (let looked = 0; at < ring.next && looked < STEP; looked += 1) {
      const entry = ring.at(at)
      if (entry && entry.offset >= (offsets[entry.partition] ?? 0)) {
        const added = shows(entry) ? batch.add(entry.wire, entry.bytes, entry.ts) : 'Added'
        if (added === 'Full') break
        if (added === 'TooLarge') {
          waiting.push(
            plainFrame(errFrame('too-large', `an event of key "${entry.key}" does not fit into a frame`, id)),
          )
        }
        offsets[entry.partition] = entry.offset + 1
      }
      at += 1
    }
    if (batch.count === 0) return at < ring.next || waiting.length > 0 ? { type: 'Again' } : acknowledged()
    if (at >= ring.next) notBefore = now + 1_000 / options.maxHz
    lastToken = token()
    acknowledge = false
    return { type: 'Frame', frame: batch.delta(id, lastToken) }
  }

  function acknowledged(): Step {
    if (!acknowledge) return { type: 'Idle' }
    const frame = progress()
    if (!frame) return { type: 'Idle' }
    acknowledge = false
    return { type: 'Frame', frame }
  }

  function progress(): OutFrame | undefined {
    const newest = token()
    if (newest === undefined || (newest === lastToken && !acknowledge)) return undefined
    lastToken = newest
    return plainFrame({ t: 'progress', id, ts: content()?.ring.lastTs() ?? 0, token: newest })
  }

  if (verdict?.type === 'Partitions') {
    at = content()?.ring.first ?? 0
    offsets = verdict.verdicts.map((each) =>
      each.type === 'Hold' ? each.until : each.type === 'Continue' ? each.since : 0,
    )
    if (verdict.verdicts.some(({ type }) => type === 'Hold')) holdUntil = options.now + limits.holdMs
  } else if (verdict) gap(verdict.reason)
  else {
    goLive()
    lastToken = token()
    acknowledge = false
    const snap = createRowBatch().snap(id, lastToken)
    waiting.push(snap)
  }

  return {
    id,
    view: options.view,
    get matcher() {
      return matcher
    },
    offer: () => undefined,
    advanced() {
      const behind = offsets.some((offset, each) => offset > (content()?.progress[each]?.position ?? 0))
      if (!behind) holdUntil = undefined
      if (at < (content()?.ring.next ?? 0)) wake()
    },
    restart(reason) {
      waiting.length = 0
      gap(reason)
      wake()
    },
    track(add, drop) {
      if (matcher.type !== 'Keys') return
      matcher = {
        type: 'Keys',
        keys: new Set([...matcher.keys].filter((key) => !drop.includes(key)).concat(add)),
      }
      selector = matcherHash(matcher)
      acknowledge = true
      wake()
    },
    next(now) {
      const first = waiting.shift()
      if (first) return { type: 'Frame', frame: first }
      const ring = content()?.ring
      if (!ring) return { type: 'Idle' }
      if (at < ring.first) {
        gap('gap')
        return { type: 'Again' }
      }
      if (at >= ring.next) return acknowledged()
      return now >= notBefore ? events(now) : { type: 'NotBefore', at: notBefore }
    },
    progress,
    holdDeadline: () => holdUntil,
  }
}
