import { setTimeout as delay } from 'node:timers/promises'

import type { Logger } from '../lib/log.ts'
import { backoffMs, sleep, withTimeout } from '../lib/time.ts'
import { messageOf } from '../lib/verdict.ts'
import { isKubeError, type KubeClient, type KubeObject, type ResourceType } from './kube.ts'

const LEASES: ResourceType = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' }

/** How long a Lease holds without a renewal, as the others see it. */
const LEASE_MS = 15_000
/** A leader that could not renew for this long stops: well before anybody else may begin. */
const RENEW_LIMIT_MS = 10_000
const RETRY_MS = 2_000
/** One call; several fit into the limit. */
const CALL_LIMIT_MS = 4_000
/** How long work may take to end; with the limit of renewal, still before anybody else may begin. */
const STOP_LIMIT_MS = 4_000

/** Options of {@link lead}. */
export interface LeaderOptions {
  readonly kube: Pick<KubeClient, 'get' | 'create' | 'merge'>
  /** Where the Lease is, and its name. */
  readonly namespace: string
  readonly name: string
  /** Who we are among the candidates. */
  readonly identity: string
  readonly log: Logger
  /** Wall clock, for what people read in the Lease; nothing is decided by it. */
  readonly now: () => Date
  /** A clock that only goes forward, in milliseconds. */
  readonly monotonic: () => number
  readonly random: () => number
}

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

/** The Lease as we last wrote it, and when we asked for that: it holds from no later than then. */
interface Held {
  readonly lease: KubeObject
  readonly askedAt: number
}

/** What was last seen of the Lease, and when we saw it change, by our own clock. */
interface Sighting {
  readonly version: string
  readonly at: number
}

/**
 * Waits until the Lease is ours and then calls `work`, whose signal aborts before anybody else may take over. Whether a
 * holder lives is judged by how long its Lease has not changed before our eyes, never by the times written in it.
 * Resolves when `signal` aborts, the Lease released. Throws when the Lease was lost or `work` failed, and, 4 s after it was
 * told to end, when `work` has not: the caller ends the process then, for such work may still write.
 */
export async function lead(
  options: LeaderOptions,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const held = await acquire(options, signal)
  if (!held) return
  options.log.info({ identity: options.identity }, 'leading')
  const stop = new AbortController()
  const working = work(AbortSignal.any([signal, stop.signal])).finally(() => stop.abort())
  const lost = await renew(options, held, AbortSignal.any([signal, stop.signal])).finally(() => stop.abort())
  const ended = await Promise.race([working.then(() => true), delay(STOP_LIMIT_MS, false, { ref: false })])
  if (lost) throw lost
  // The others wait until the Lease has run out.
  if (!ended) throw new Error(`the work did not end within ${STOP_LIMIT_MS / 1_000} s`)
  await release(options)
}

async function acquire(options: LeaderOptions, signal: AbortSignal): Promise<Held | undefined> {
  const { log, random, monotonic } = options
  let seen: Sighting | undefined
  let failures = 0
  while (!signal.aborted) {
    try {
      const found = await read(options, withTimeout(signal, CALL_LIMIT_MS))
      failures = 0
      const version = found?.metadata.resourceVersion ?? ''
      if (seen?.version !== version) seen = { version, at: monotonic() }
      if (!found || isFree(found, seen, monotonic())) {
        const askedAt = monotonic()
        const lease = await take(options, found, signal)
        if (lease) return { lease, askedAt }
      }
      await sleep(RETRY_MS * (0.8 + 0.4 * random()), signal)
    } catch (error) {
      if (signal.aborted) return undefined
      const waitMs = backoffMs(failures++, 500, 8_000, random)
      log.warn({ error: messageOf(error), waitMs: Math.round(waitMs) }, 'the Lease cannot be read')
      await sleep(waitMs, signal)
    }
  }
  return undefined
}

const specOf = (lease: KubeObject): LeaseSpec => (lease.spec ?? {}) as LeaseSpec

function isFree(lease: KubeObject, seen: Sighting, now: number): boolean {
  const { holderIdentity, leaseDurationSeconds } = specOf(lease)
  return !holderIdentity || now - seen.at > (leaseDurationSeconds ?? LEASE_MS / 1_000) * 1_000
}

const read = ({ kube, namespace, name }: LeaderOptions, signal: AbortSignal) =>
  kube.get(LEASES, namespace, name, signal)

/** MicroTime: the API server refuses fewer than six digits. */
const microTime = (at: Date): string => at.toISOString().replace('Z', '000Z')

async function take(
  options: LeaderOptions,
  found: KubeObject | undefined,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const { kube, namespace, name, identity, now } = options
  const at = microTime(now())
  const spec: LeaseSpec = {
    holderIdentity: identity,
    leaseDurationSeconds: LEASE_MS / 1_000,
    acquireTime: at,
    renewTime: at,
    leaseTransitions: found ? (specOf(found).leaseTransitions ?? 0) + 1 : 0,
  }
  const limited = withTimeout(signal, CALL_LIMIT_MS)
  try {
    if (found) return await patch(options, { metadata: versionOf(found), spec }, limited)
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec }
    return await kube.create(LEASES, lease, limited)
  } catch (error) {
    // Somebody was faster.
    if (isKubeError(error, 409)) return undefined
    throw error
  }
}

const versionOf = ({ metadata }: KubeObject) => ({ resourceVersion: metadata.resourceVersion })

const patch = ({ kube, namespace, name }: LeaderOptions, body: object, signal: AbortSignal) =>
  kube.merge(LEASES, namespace, name, body, signal)

/** Renews until the signal aborts; returns why no more, when the Lease is or may soon be another's. */
async function renew(options: LeaderOptions, held: Held, signal: AbortSignal): Promise<Error | undefined> {
  const { log, monotonic } = options
  let { lease, askedAt: renewedAt } = held
  await sleep(RETRY_MS, signal)
  while (!signal.aborted) {
    // A process that stood still for long must not say one more word, not even try.
    const leftMs = RENEW_LIMIT_MS - (monotonic() - renewedAt)
    if (leftMs <= 0) return new Error(`the Lease could not be renewed for ${RENEW_LIMIT_MS / 1_000} s`)
    const askedAt = monotonic()
    const limit = withTimeout(signal, Math.min(CALL_LIMIT_MS, leftMs))
    try {
      const body = { metadata: versionOf(lease), spec: { renewTime: microTime(options.now()) } }
      lease = await patch(options, body, limit)
      renewedAt = askedAt
    } catch (error) {
      if (signal.aborted) return undefined
      if (isKubeError(error, 404)) return new Error('the Lease was deleted')
      log.warn({ error: messageOf(error) }, 'the Lease was not renewed')
      const found = isKubeError(error) ? await read(options, limit).catch(() => undefined) : undefined
      if (found && specOf(found).holderIdentity !== options.identity)
        return new Error(`the Lease is now ${specOf(found).holderIdentity || 'nobody'}'s`)
      lease = found ?? lease
    }
    const untilLimitMs = RENEW_LIMIT_MS - (monotonic() - renewedAt)
    await sleep(Math.min(RETRY_MS, Math.max(0, untilLimitMs)), signal)
  }
  return undefined
}

/** Lets the next one begin at once; a failure only means that it waits. */
async function release(options: LeaderOptions): Promise<void> {
  const limit = AbortSignal.timeout(CALL_LIMIT_MS)
  const found = await read(options, limit).catch(() => undefined)
  if (!found || specOf(found).holderIdentity !== options.identity) return
  const spec = { holderIdentity: '', renewTime: microTime(options.now()) }
  await patch(options, { metadata: versionOf(found), spec }, limit).catch(() => undefined)
}
