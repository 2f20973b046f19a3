import type { ResetReason } from '@penstock/protocol'

import type { GatewayLimits } from '../limits.ts'
import { type Change, type Entry, goneWire } from '../view/entry.ts'
import type { Content } from '../view/view.ts'
import type { Cohort } from './cohorts.ts'
import { createRowBatch, errFrame, type OutFrame, plainFrame, type RowBatch } from './frames.ts'
import type { PartitionVerdict, Verdict } from './judge.ts'
import { createOwed } from './owed.ts'
import { candidates } from './scan.ts'
import { type Matcher, matcherHash, matches } from './selector.ts'
import type { Step, Subscription } from './subscription.ts'
import { encodeToken } from './token.ts'

/** What a subscription to the newest rows is made of. */
export interface LatestOptions {
  readonly id: string
  readonly view: string
  readonly matcher: Matcher
  readonly cohort: Cohort
  /** The view's content now; another one is followed by `restart`. */
  readonly content: () => Extract<Content, { readonly mode: 'Latest' }> | undefined
  readonly maxHz: number
  readonly limits: Pick<GatewayLimits, 'dirtyKeys' | 'holdMs'>
  /** Called whenever `next` may have something. */
  readonly wake: () => void
  readonly now: number
}

/** Where one partition of a subscription stands. */
type Part =
  /** A snapshot is due; changes need no note, since it will read what is true then. */
  | { readonly type: 'Waiting' }
  | { readonly type: 'Scanning'; readonly keys: Iterator<string> }
  /** Deltas; nothing below `from` is sent. */
  | { readonly type: 'Live'; readonly from: number }

/** Keys that one step of a snapshot looks at, so that a selector without matches blocks nobody. */
const SCAN_STEP = 2_000

/**
 * A subscription to the newest row of each key: a snapshot by partition, then changes, conflated by key for as long as
 * the client cannot take them. There is no gap, since a key that changes while its partition is scanned is noted as
 * owed in the turn in which it changes, and what is sent is always the present row.
 */
export function createLatest(options: LatestOptions, verdict: Verdict | undefined): Subscription {
  const { id, cohort, content, limits, wake } = options
  const owed = createOwed()
  const pendingResets: OutFrame[] = []
  const tooLarge: OutFrame[] = []
  /** Keys that `track` added and whose rows are still to be sent; there is no token meanwhile. */
  const added = new Set<string>()
  let matcher = options.matcher
  let selector = matcherHash(matcher)
  let parts: Part[] = []
  let snapshotOpen = true
  let acknowledge = false
  let behind = 0
  let holdUntil: number | undefined
  let notBefore = 0
  let lastToken: string | undefined
  let scanTurn = false

  const sees = (entry: Entry): boolean =>
    entry.row !== undefined && matches(matcher, entry.key, entry.row) && cohort.sees(entry.row)

  function pushReset(reason: ResetReason, which: { partitions: readonly number[] } | { all: true }): void {
    pendingResets.push(plainFrame({ t: 'reset', id, reason, ...which }))
  }

  function restartAll(): void {
    for (const partition of parts.keys()) owed.clear(partition)
    parts = (content()?.progress ?? []).map(() => ({ type: 'Waiting' }))
    snapshotOpen = true
    holdUntil = undefined
    pendingResets.length = 0
  }

  function resume(verdicts: readonly PartitionVerdict[]): void {
    parts = verdicts.map((each, partition) => {
      if (each.type === 'Reset') return { type: 'Waiting' }
      if (each.type === 'Hold') holdUntil = options.now + limits.holdMs
      const from = each.type === 'Hold' ? each.until : each.since
      for (const entry of content()?.table.since(partition, from) ?? []) {
        if (concerns({ entry, before: undefined }, true)) owed.add(partition, entry.key, entry.offset)
      }
      return { type: 'Live', from }
    })
    const reasons = new Map<ResetReason, number[]>()
    for (const [partition, each] of verdicts.entries()) {
      if (each.type === 'Reset') reasons.set(each.reason, [...(reasons.get(each.reason) ?? []), partition])
    }
    for (const [reason, partitions] of reasons) pushReset(reason, { partitions })
    snapshotOpen = reasons.size > 0
    acknowledge = true
  }

  /**
   * Whether a change is to be told. Where the old row is not known (`blind`: a resume, or a partition still being
   * read), a row that is not seen now may be one that the client holds; telling its key gives nothing away, because
   * cohorts whose sight depends on the row never get here blind.
   */
  function concerns({ entry, before }: Change, blind: boolean): boolean {
    if (matcher.type === 'Keys' && !matcher.keys.has(entry.key)) return false
    if (sees(entry)) return true
    if (before) return matches(matcher, entry.key, before) && cohort.sees(before)
    return blind && cohort.policy !== 'PerRow'
  }

  function token(): string | undefined {
    const now = content()
    if (!now || parts.length === 0 || added.size > 0 || !parts.every(({ type }) => type === 'Live'))
      return undefined
    const offsets = parts.map((part, partition) => {
      const from = part.type === 'Live' ? part.from : 0
      return owed.oldest(partition) ?? Math.max(from, now.progress[partition]?.position ?? 0)
    })
    return encodeToken({ epoch: now.epoch, cohort: cohort.hash, selector, offsets })
  }

  /** Puts a key's present row, or that it is gone, into a batch. */
  function put(batch: RowBatch, partition: number, key: string, offset: number): 'Added' | 'Full' {
    const entry = content()?.table.entry(partition, key)
    const shown = entry !== undefined && sees(entry)
    const at = entry ?? { key, partition, offset, ts: options.now }
    const wire = shown ? entry.wire : goneWire(at)
    const added = batch.add(wire, shown ? entry.bytes : Buffer.byteLength(wire), at.ts)
    if (added !== 'TooLarge') return added
    // What the client holds of it is out of date, so it is withdrawn, and the error says why.
    const gone = goneWire(at)
    if (batch.add(gone, Buffer.byteLength(gone), at.ts) === 'Full') return 'Full'
    tooLarge.push(plainFrame(errFrame('too-large', `the row of key "${key}" does not fit into a frame`, id)))
    return 'Added'
  }

  function deltas(now: number): Step {
    const batch = createRowBatch()
    for (const [partition, key, offset] of owed.keys()) {
      if (put(batch, partition, key, offset) === 'Full') break
      owed.settle(partition, key)
    }
    if (owed.size === 0) notBefore = now + 1_000 / options.maxHz
    lastToken = token()
    acknowledge = false
    return { type: 'Frame', frame: batch.delta(id, lastToken) }
  }

  function addedRows(): Step {
    const batch = createRowBatch()
    for (const key of added) {
      const places = [...parts.keys()].filter((partition) => content()?.table.entry(partition, key)?.row)
      if (places.some((partition) => put(batch, partition, key, 0) === 'Full')) break
      added.delete(key)
    }
    return { type: 'Frame', frame: batch.delta(id, undefined) }
  }

  /** The next partition to scan; one that is not ready yet is left for later. */
  function scanning(): readonly [number, Iterator<string>] | undefined {
    const now = content()
    if (!now) return undefined
    for (const [partition, part] of parts.entries()) {
      if (part.type === 'Scanning') return [partition, part.keys]
    }
    const partition = parts.findIndex((part, at) => part.type === 'Waiting' && now.progress[at]?.ready)
    if (partition < 0) return undefined
    const keys = candidates(now.table, partition, matcher)
    parts[partition] = { type: 'Scanning', keys }
    return [partition, keys]
  }

  function scan(): Step {
    const batch = createRowBatch()
    let looked = 0
    for (let place = scanning(); place; place = scanning()) {
      const [partition, keys] = place
      for (;;) {
        if (looked >= SCAN_STEP) return batch.count > 0 ? snap(batch) : { type: 'Again' }
        const { value: key, done } = keys.next()
        if (done) break
        looked += 1
        const entry = content()?.table.entry(partition, key)
        if (!entry || !sees(entry)) continue
        const added = put(batch, partition, key, entry.offset)
        // Owed instead of forgotten: an iterator cannot go back.
        if (added === 'Full') {
          owed.add(partition, key, entry.offset)
          return snap(batch)
        }
        owed.settle(partition, key)
      }
      parts[partition] = { type: 'Live', from: 0 }
    }
    return snap(batch)
  }

  function snap(batch: RowBatch): Step {
    const complete = parts.length > 0 && parts.every(({ type }) => type === 'Live')
    if (!complete) return { type: 'Frame', frame: batch.snap(id, undefined) }
    snapshotOpen = false
    acknowledge = false
    behind = 0
    lastToken = token()
    return { type: 'Frame', frame: batch.snap(id, lastToken) }
  }

  function progress(): OutFrame | undefined {
    const newest = token()
    const now = content()
    if (!now || newest === undefined || (newest === lastToken && !acknowledge)) return undefined
    lastToken = newest
    return plainFrame({ t: 'progress', id, ts: now.table.lastTs(), token: newest })
  }

  const caughtUp = (): boolean =>
    parts.every((part, at) => part.type !== 'Live' || (content()?.progress[at]?.position ?? 0) >= part.from)

  function fallBehind(): void {
    behind += 1
    restartAll()
    pushReset('behind', { all: true })
    wake()
  }

  if (verdict?.type === 'Partitions') resume(verdict.verdicts)
  else {
    restartAll()
    if (verdict) pushReset(verdict.reason, { all: true })
  }

  return {
    id,
    view: options.view,
    get matcher() {
      return matcher
    },
    offer(change) {
      const { entry } = change
      const part = parts[entry.partition]
      if (!part || part.type === 'Waiting') return
      if (part.type === 'Live' && entry.offset < part.from) return
      if (!concerns(change, content()?.progress[entry.partition]?.ready !== true)) return
      owed.add(entry.partition, entry.key, entry.offset)
      if (owed.size > limits.dirtyKeys) fallBehind()
      wake()
    },
    advanced(partition) {
      if (holdUntil !== undefined && caughtUp()) holdUntil = undefined
      if (parts[partition]?.type === 'Waiting' && content()?.progress[partition]?.ready) wake()
    },
    restart(reason) {
      restartAll()
      pushReset(reason, { all: true })
      wake()
    },
    track(add, drop) {
      if (matcher.type !== 'Keys') return
      const keys = new Set(matcher.keys)
      for (const key of drop) keys.delete(key)
      for (const key of add) keys.add(key)
      matcher = { type: 'Keys', keys }
      selector = matcherHash(matcher)
      for (const key of drop) added.delete(key)
      for (const key of add) added.add(key)
      parts = parts.map((part) => (part.type === 'Live' ? part : { type: 'Waiting' }))
      acknowledge = true
      wake()
    },
    next(now) {
      const first = pendingResets.shift() ?? tooLarge.shift()
      if (first) return { type: 'Frame', frame: first }
      if (behind > 1) return { type: 'TooSlow' }
      const canScan = snapshotOpen && scanning() !== undefined
      scanTurn = !scanTurn
      if (added.size > 0) return addedRows()
      if (canScan && (scanTurn || owed.size === 0)) return scan()
      if (owed.size > 0) return now >= notBefore ? deltas(now) : { type: 'NotBefore', at: notBefore }
      if (!acknowledge) return { type: 'Idle' }
      const frame = progress()
      if (!frame) return { type: 'Idle' }
      acknowledge = false
      return { type: 'Frame', frame }
    },
    progress,
    holdDeadline: () => holdUntil,
  }
}
