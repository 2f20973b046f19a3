import {
  type ConfigError,
  type ConnectClient,
  type ConnectorView,
  isConnectError,
} from '../clients/connect.ts'
import { redacted } from '../lib/redact.ts'
import { messageOf, type VerdictDetail, Waiting } from '../lib/verdict.ts'
import { type ConnectorState, healthOf, isRunning, targetState } from './connector-health.ts'
import type { Change, ExternalResource, Health } from './contract.ts'
import type { Detached } from './detached.ts'
import type { KnownFailure } from './failures.ts'
import type { Poll, SharedPolls } from './polls.ts'

/** Setting that carries our mark; Connect keeps settings that it does not know. */
export const OWNER_SETTING = 'penstock.owner'

/** Setting that changes with the credentials, so that the tasks start anew and resolve them again. */
export const CREDENTIALS_SETTING = 'penstock.credentials'

/** A connector as it is wanted. */
export interface ConnectorWish {
  readonly name: string
  readonly config: Readonly<Record<string, string>>
  readonly state: ConnectorState
  readonly owner: string
  /** Adopt: a connector of this name without our mark becomes ours. */
  readonly adoption: 'Refuse' | 'Adopt'
  readonly resetOffsetsOnRemove: boolean
}

/** How old an answer about a connector that is starting or stopping may be. */
const RECENT_MS = 1_000
/** How old an answer about a connector that is not listed may be. */
const UNLISTED_MS = 5_000

/** What a connector's resource works with. */
export interface ConnectorContext {
  readonly client: ConnectClient
  readonly url: string
  readonly polls: SharedPolls
  readonly now: () => number
  readonly detached: Detached
  readonly user: string
  /** What the other side says while Connect says RUNNING, which alone proves nothing. */
  readonly judge: (view: ConnectorView, signal: AbortSignal) => Promise<Health>
  /** What a trace of it may tell of. */
  readonly failures: readonly KnownFailure[]
  /** What a trace of it must not show. */
  readonly secrets: readonly string[]
  /** What a refusal of the configuration means, where more can be said than the refusal itself. */
  readonly explain?: (errors: readonly ConfigError[]) => VerdictDetail
  /**
   * Called before a start of ours with what is there; throws a verdict where the position can no longer be read. Stopped:
   * what is not there yet is to be made so, and looked at again.
   */
  readonly beforeStart: (
    signal: AbortSignal,
    found: ConnectorView | undefined,
  ) => Promise<'Running' | 'Stopped'>
}

/** A connector as Connect shows it, and what the other side says of it. */
export interface ConnectorObservation {
  readonly view: ConnectorView
  readonly streaming: Health
}

/** A connector's configuration as it is put: with its name and our mark. */
export function connectorConfig({ config, name, owner }: ConnectorWish): Readonly<Record<string, string>> {
  return { ...config, name, [OWNER_SETTING]: owner }
}

/**
 * All connectors of one Connect cluster: one question for all objects, of which `name` is what this one looks for.
 * Somebody else's hand is seen with the next answer.
 */
export function connectorsPoll(
  url: string,
  client: ConnectClient,
  name: string,
): Poll<ReadonlyMap<string, ConnectorView>> {
  return {
    key: `connectors ${url}`,
    everyMs: 5_000,
    ask: (signal) => client.connectors(signal),
    fingerprint: (views) => {
      const { status, digest } = views.get(name) ?? {}
      return `${status?.state},${status?.tasks.map((task) => task.state).join()} ${digest}`
    },
  }
}

/** One that was made this second is not listed yet, and may be somebody else's: it is asked for by its name, once. */
const unlistedPoll = (url: string, client: ConnectClient, name: string): Poll<ConnectorView | undefined> => ({
  key: `connector ${url}`,
  name,
  everyMs: 60_000,
  ask: async (signal, one) => {
    const config = await client.config(one, signal)
    return config && { name: one, config }
  },
  fingerprint: (view) => String(view !== undefined),
})

/**
 * A connector as Connect shows it, by an answer that was asked for after `after` (ms since 1970); throws a verdict when
 * Connect does not answer.
 */
export async function findConnector(
  { client, url, polls, user }: Pick<ConnectorContext, 'client' | 'url' | 'polls' | 'user'>,
  name: string,
  signal: AbortSignal,
  after?: number,
): Promise<ConnectorView | undefined> {
  try {
    const listed = await polls.read(connectorsPoll(url, client, name), user, signal, after)
    const view = listed.get(name)
    if (view) return view
    const unlisted = unlistedPoll(url, client, name)
    return await (after === undefined
      ? polls.recent(unlisted, user, signal, UNLISTED_MS)
      : polls.read(unlisted, user, signal, after))
  } catch (error) {
    return connectVerdict(url)(error)
  }
}

/** A connector of a Connect cluster. */
export function connector(
  context: ConnectorContext,
  wish: ConnectorWish,
): ExternalResource<ConnectorObservation> {
  const { client, url, detached } = context
  const write = (what: string, run: (signal: AbortSignal) => Promise<void>) =>
    detached.run(`${url} ${wish.name}`, `${what} connector ${wish.name}`, run).catch(connectVerdict(url))
  const config = connectorConfig(wish)
  const find = (signal: AbortSignal, after?: number) => findConnector(context, wish.name, signal, after)

  return {
    id: { kind: 'Connector', name: wish.name },
    observe: async (signal, after) => {
      const seen = await find(signal, after)
      const moving = seen && seen.status?.state !== targetState(wish.state)
      const settled = seen && !moving && (wish.state !== 'Running' || isRunning(seen))
      // What is just starting or stopping is looked at as often as it is asked about.
      const found = !seen || settled ? seen : await find(signal, context.now() - RECENT_MS)
      const view = found && withoutSecrets(found, context.secrets)
      return view && { view, streaming: isRunning(view) ? await context.judge(view, signal) : RUNNING }
    },
    diff: ({ view }) => [
      ...ownership(view, wish),
      ...configChanges(view.config, config),
      ...stateChanges(view, wish.state),
    ],
    health: ({ view, streaming }) => healthOf(view, wish.state, streaming, context.failures),
    apply: async (observed, changes, signal) => {
      const view = observed?.view
      const configures = !view || changes.some(({ what }) => what.startsWith('config'))
      if (configures) await validate(context, config, signal).catch(connectVerdict(url))
      const first = wish.state === 'Running' ? await context.beforeStart(signal, view) : wish.state
      if (!view) {
        const state = targetState(first)
        // One that is there by now is left as it is: the next look tells whose it is.
        return write('creating', (running) =>
          client.create(wish.name, config, state, running).catch(unlessThere),
        )
      }
      if (configures) await write('configuring', (running) => client.putConfig(wish.name, config, running))
      // One that has no worker just now, or has failed, is wanted to run already.
      if (stateChanges(view, wish.state).length === 0) return
      await write('switching', (running) => switchTo(client, wish, running))
    },
    remove: async (signal) => {
      const view = await find(signal, context.now())
      if (view && view.config[OWNER_SETTING] !== wish.owner) return
      await write('removing', async (running) => {
        // What is not there may still be on its way: this takes its turn after it.
        if (!view) return
        await client.stop(wish.name, running)
        if (wish.resetOffsetsOnRemove) await client.resetOffsets(wish.name, running)
        await client.remove(wish.name, running)
      })
    },
  }
}

/** A trace quotes what a driver or a broker has said, which may be what it was given. */
function withoutSecrets(view: ConnectorView, secrets: readonly string[]): ConnectorView {
  const { status } = view
  if (!status?.trace && !status?.tasks.some(({ trace }) => trace)) return view
  const safe = <T extends { readonly trace?: string }>(traced: T): T =>
    traced.trace ? { ...traced, trace: redacted(traced.trace, secrets) } : traced
  return { ...view, status: { ...safe(status), tasks: status.tasks.map(safe) } }
}

/** Rethrows an error of Connect as a verdict that says what to do. */
export function connectVerdict(url: string): (error: unknown) => never {
  return (error) => {
    if (!isConnectError(error)) throw error
    switch (error.kind) {
      case 'Unreachable':
        throw new Waiting(
          'ConnectUnreachable',
          `Kafka Connect at ${url} does not answer: ${messageOf(error, 300)}. Check that it runs and that connect.external.url is right`,
        )
      case 'Busy':
        // A rebalance, which every connector that comes or goes begins, is over in a moment.
        throw new Waiting(
          'ConnectBusy',
          `Kafka Connect is busy: ${messageOf(error, 300)}. If it lasts, see that all of its workers run and reach one another (rest.advertised.host.name)`,
          2_000,
        )
      case 'Refused':
        throw new Waiting('ConnectRefused', `Kafka Connect refuses: ${messageOf(error, 500)}`, 30_000)
    }
  }
}

async function validate(
  { client, explain = refusal }: ConnectorContext,
  config: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const errors = await client.validate(config, signal)
  if (errors.length === 0) return
  const { reason, message } = explain(errors)
  // Debezium logs in while it validates: whatever it finds there may heal by itself.
  throw new Waiting(reason, message, 15_000)
}

function refusal(errors: readonly ConfigError[]): VerdictDetail {
  const text = errors.map(({ name, message }) => `${name}: ${message}`).join('; ')
  return {
    reason: 'ConfigRefused',
    message: `Connect finds the connector's configuration wrong: ${text.slice(0, 800)}`,
  }
}

/** Refuses a connector that carries another's mark, or none, unless it is to be adopted. Pure. */
export function ownership(
  view: ConnectorView,
  { owner, name, adoption }: Pick<ConnectorWish, 'owner' | 'name' | 'adoption'>,
): readonly Change[] {
  const found = view.config[OWNER_SETTING]
  if (found === owner) return []
  if (adoption === 'Adopt') return [{ what: 'config: adopted' }]
  const whose = found === undefined ? 'carries no mark of ours' : `belongs to ${found}`
  const message = `connector ${name} exists and ${whose}: delete it, or set adoptionPolicy to Adopt to take it over`
  return [{ what: 'owner', refused: { reason: 'NotOurs', message } }]
}

function configChanges(
  found: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): readonly Change[] {
  const keys = [...new Set([...Object.keys(found), ...Object.keys(wanted)])]
  const different = keys.filter((key) => found[key] !== wanted[key])
  return different.length === 0 ? [] : [{ what: `config: ${different.slice(0, 10).join(', ')}` }]
}

const unlessThere = (error: unknown): void => {
  if (!isConnectError(error) || error.kind !== 'Refused' || error.status !== 409) throw error
}

function stateChanges(view: ConnectorView, wanted: ConnectorState): readonly Change[] {
  const found = view.status?.state
  // FAILED and UNASSIGNED are states that Connect chose; whether to start anew is not decided here.
  const chosen = found === 'RUNNING' || found === 'PAUSED' || found === 'STOPPED'
  const differs = found !== undefined && found !== targetState(wanted)
  return differs && (chosen || wanted !== 'Running')
    ? [{ what: `state: ${found} → ${targetState(wanted)}` }]
    : []
}

function switchTo(client: ConnectClient, { name, state }: ConnectorWish, signal: AbortSignal): Promise<void> {
  switch (state) {
    case 'Running':
      return client.resume(name, signal)
    case 'Paused':
      return client.pause(name, signal)
    case 'Stopped':
      return client.stop(name, signal)
  }
}

const RUNNING: Health = { type: 'Ready' }
