import { Agent, type Dispatcher } from 'undici'

import { equal, hashOf, isObject, parseJson, stringifyJson } from '../lib/json.ts'
import { within } from '../lib/time.ts'
import { messageOf } from '../lib/verdict.ts'

/** Where a Connect cluster's REST API is, and who we are there. */
export interface ConnectAddress {
  readonly url: string
  readonly basicAuth?: { readonly username: string; readonly password: string }
}

/** States of connectors and tasks (KIP-875 added STOPPED, which a task never is). */
export type ConnectState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'FAILED' | 'RESTARTING' | 'STOPPED'

/** One connector as `GET /connectors?expand=status&expand=info` shows it. */
export interface ConnectorView {
  readonly name: string
  /** As it was put: placeholders of config providers stay placeholders. */
  readonly config: Readonly<Record<string, string>>
  /** Changes with the config; undefined where it was asked for alone. */
  readonly digest?: string
  /** Undefined for the second after its creation in which it has none. */
  readonly status?: {
    readonly state: ConnectState
    /** Of the connector itself; its tasks may run elsewhere. */
    readonly worker?: string
    readonly trace?: string
    readonly version?: string
    readonly tasks: readonly {
      readonly id: number
      readonly state: ConnectState
      readonly worker: string
      readonly trace?: string
    }[]
  }
}

/** A source connector's stored position: the partition and offset objects as the connector wrote them, lossless. */
export interface ConnectOffset {
  readonly partition: Readonly<Record<string, unknown>>
  readonly offset: Readonly<Record<string, unknown>>
}

/** One thing that `config/validate` finds wrong. */
export interface ConfigError {
  readonly name: string
  readonly message: string
}

/** Unreachable: no answer. Busy: a rebalance, or a write that outlasted its time and may still happen. Refused: an answer. */
export type ConnectErrorKind = 'Unreachable' | 'Busy' | 'Refused'

/** An error of the REST API; `status` is 0 when there was no answer. */
export interface ConnectError extends Error {
  readonly kind: ConnectErrorKind
  readonly status: number
}

/** Whether something thrown is a {@link ConnectError}. */
export function isConnectError(thrown: unknown): thrown is ConnectError {
  return thrown instanceof Error && thrown.name === 'ConnectError'
}

/** Typed calls to one Connect cluster (Kafka 4.3 REST). Calls throw {@link ConnectError}. */
export interface ConnectClient {
  /** Version and the Kafka cluster that it belongs to. */
  version(signal: AbortSignal): Promise<{ readonly version: string; readonly kafkaClusterId: string }>
  plugins(signal: AbortSignal): Promise<readonly { readonly class: string; readonly version: string }[]>
  /** Without those that have no status yet: Connect leaves them out in the second after they were made. */
  connectors(signal: AbortSignal): Promise<ReadonlyMap<string, ConnectorView>>
  /** A connector's config as it was put, from its first moment on; undefined: no such connector. */
  config(name: string, signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined>
  /** What is wrong with a config. Values are never returned: the answer may hold resolved secrets. */
  validate(config: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly ConfigError[]>
  /** Creates a connector in this state; one of its name is left as it is and answers 409. */
  create(
    name: string,
    config: Readonly<Record<string, string>>,
    state: 'RUNNING' | 'PAUSED' | 'STOPPED',
    signal: AbortSignal,
  ): Promise<void>
  /** Replaces a connector's config; keeps it stopped or paused where it is. */
  putConfig(name: string, config: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>
  pause(name: string, signal: AbortSignal): Promise<void>
  resume(name: string, signal: AbortSignal): Promise<void>
  /** Gone already is success. */
  stop(name: string, signal: AbortSignal): Promise<void>
  restart(name: string, what: 'failed' | 'all', signal: AbortSignal): Promise<void>
  /** Undefined: no such connector. Empty: nothing stored yet. */
  offsets(name: string, signal: AbortSignal): Promise<readonly ConnectOffset[] | undefined>
  /** Needs a stopped connector. Gone already is success. */
  resetOffsets(name: string, signal: AbortSignal): Promise<void>
  /** Gone already is success. */
  remove(name: string, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** A write may take 90 s at the worker (and once more where it is forwarded); a read should not. */
const WRITE_LIMIT_MS = 100_000
const READ_LIMIT_MS = 10_000

/** A client of one Connect cluster, with a connection pool of its own. */
export function createConnectClient(address: ConnectAddress): ConnectClient {
  const agent = new Agent({
    connections: 8,
    headersTimeout: WRITE_LIMIT_MS,
    bodyTimeout: WRITE_LIMIT_MS,
    connectTimeout: 5_000,
    // Longer than between two polls, and shorter than Jetty keeps a connection (30 s).
    keepAliveTimeout: 20_000,
  })
  const callText = caller(address, agent)
  const call = async (...asked: Parameters<CallText>) => parse(await callText(...asked))
  let listed: { readonly text: string; readonly views: ReadonlyMap<string, ConnectorView> } | undefined
  const path = (name: string, rest = '') => `/connectors/${encodeURIComponent(name)}${rest}`
  const write = async (
    method: 'PUT' | 'POST' | 'DELETE',
    to: string,
    signal: AbortSignal,
    body?: unknown,
  ) => {
    await call(method, to, WRITE_LIMIT_MS, signal, body)
  }

  return {
    version: async (signal) => {
      const answer = await call('GET', '/', READ_LIMIT_MS, signal)
      return { version: textOf(answer['version']), kafkaClusterId: textOf(answer['kafka_cluster_id']) }
    },
    plugins: async (signal) => {
      const answer = await call('GET', '/connector-plugins', READ_LIMIT_MS, signal)
      return listOf(answer).map((plugin) => ({
        class: textOf(plugin['class']),
        version: textOf(plugin['version']),
      }))
    },
    connectors: async (signal) => {
      const text = await callText('GET', '/connectors?expand=status&expand=info', READ_LIMIT_MS, signal)
      // Megabytes that are nearly always the same: they are read again only where they are not.
      if (text === listed?.text) return listed.views
      const before = listed?.views
      const views = Object.entries(parse(text)).map(
        ([name, view]) => [name, connectorView(name, view, before?.get(name))] as const,
      )
      listed = { text, views: new Map(views) }
      return listed.views
    },
    config: async (name, signal) =>
      (await call('GET', path(name, '/config'), READ_LIMIT_MS, signal).catch(unlessGone)) as
        | Record<string, string>
        | undefined,
    validate: async (config, signal) => {
      const plugin = encodeURIComponent(config['connector.class'] ?? '')
      const answer = await call(
        'PUT',
        `/connector-plugins/${plugin}/config/validate`,
        WRITE_LIMIT_MS,
        signal,
        config,
      )
      return configErrors(answer)
    },
    create: (name, config, state, signal) =>
      write('POST', '/connectors', signal, { name, config, initial_state: state }),
    putConfig: (name, config, signal) => write('PUT', path(name, '/config'), signal, config),
    pause: (name, signal) => write('PUT', path(name, '/pause'), signal),
    resume: (name, signal) => write('PUT', path(name, '/resume'), signal),
    stop: (name, signal) => write('PUT', path(name, '/stop'), signal).catch(unlessGone),
    restart: (name, what, signal) =>
      write('POST', path(name, `/restart?includeTasks=true&onlyFailed=${what === 'failed'}`), signal),
    offsets: async (name, signal) => {
      const answer = await call('GET', path(name, '/offsets'), READ_LIMIT_MS, signal).catch(unlessGone)
      return (
        answer &&
        listOf(answer['offsets']).map(({ partition, offset }) => ({
          partition: isObject(partition) ? partition : {},
          offset: isObject(offset) ? offset : {},
        }))
      )
    },
    resetOffsets: (name, signal) => write('DELETE', path(name, '/offsets'), signal).catch(unlessGone),
    remove: (name, signal) => write('DELETE', path(name), signal).catch(unlessGone),
    close: () => agent.close(),
  }
}

const unlessGone = (error: unknown): undefined => {
  if (isConnectError(error) && error.status === 404) return undefined
  throw error
}

/** The body of an answer. */
type CallText = (
  method: Dispatcher.HttpMethod,
  path: string,
  limitMs: number,
  signal: AbortSignal,
  body?: unknown,
) => Promise<string>

function caller({ url, basicAuth }: ConnectAddress, agent: Agent): CallText {
  const base = new URL(url)
  const authorization = basicAuth
    ? `Basic ${Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString('base64')}`
    : undefined
  return async (method, path, limitMs, signal, body) => {
    const { response, text } = await within(limitMs, signal, async (limited) => {
      try {
        const response = await agent.request({
          origin: base.origin,
          path: base.pathname.replace(/\/$/, '') + path,
          method,
          headers: {
            accept: 'application/json',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(authorization ? { authorization } : {}),
          },
          body: body === undefined ? null : stringifyJson(body),
          signal: limited,
        })
        return { response, text: await response.body.text() }
      } catch (error) {
        if (signal.aborted) throw error
        const slow = limited.aborted
        const message = slow ? `no answer within ${limitMs / 1_000} s` : messageOf(error, 200)
        throw connectError(slow && method !== 'GET' ? 'Busy' : 'Unreachable', 0, message)
      }
    })
    if (response.statusCode < 300) return text
    const message = textOf(parse(text)['message']) || text.slice(0, 300)
    throw connectError(
      isBusy(response.statusCode, message) ? 'Busy' : 'Refused',
      response.statusCode,
      message,
    )
  }
}

/**
 * A rebalance answers 409, or 500 for reads; 503 is a worker that starts, and another 500 one that does not reach the
 * group's leader. Only the text tells a 500 apart.
 */
const isBusy = (status: number, message: string): boolean =>
  status === 409
    ? !message.includes('already exists')
    : status === 503 || (status === 500 && /rebalance|timed out|trying to forward/i.test(message))

function connectError(kind: ConnectErrorKind, status: number, message: string): ConnectError {
  return Object.assign(new Error(message), { name: 'ConnectError', kind, status })
}

function parse(text: string): Record<string, unknown> {
  try {
    return (text ? parseJson(text) : {}) as Record<string, unknown>
  } catch {
    return { message: text.slice(0, 300) }
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const listOf = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((item) => isObject(item)) : []

/** A connector as it is listed; a configuration that is the one of `before` is not kept twice. */
function connectorView(name: string, view: unknown, before: ConnectorView | undefined): ConnectorView {
  const { info, status } = isObject(view) ? view : {}
  const listed = isObject(info) && isObject(info['config']) ? (info['config'] as Record<string, string>) : {}
  const config = before && equal(before.config, listed) ? before.config : listed
  const digest = (config === before?.config ? before.digest : undefined) ?? hashOf(config)
  if (!isObject(status) || !isObject(status['connector'])) return { name, config, digest }
  const { state, worker_id: worker, trace, version } = status['connector']
  return {
    name,
    config,
    digest,
    status: {
      state: textOf(state) as ConnectState,
      ...(worker ? { worker: textOf(worker) } : {}),
      ...(trace ? { trace: textOf(trace) } : {}),
      ...(version ? { version: textOf(version) } : {}),
      tasks: listOf(status['tasks']).map((task) => ({
        id: Number(task['id']),
        state: textOf(task['state']) as ConnectState,
        worker: textOf(task['worker_id']),
        ...(task['trace'] ? { trace: textOf(task['trace']) } : {}),
      })),
    },
  }
}

/** Debezium 3.6 answers `value: null` for some of its fields. */
function configErrors(answer: Record<string, unknown>): readonly ConfigError[] {
  return listOf(answer['configs']).flatMap(({ value }) => {
    if (!isObject(value) || !Array.isArray(value['errors'])) return []
    return value['errors'].map((message) => ({ name: textOf(value['name']), message: textOf(message) }))
  })
}
