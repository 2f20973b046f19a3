import type { ConfigError, ConnectClient, ConnectOffset, ConnectorView } from '../../clients/connect.ts'

type Status = NonNullable<ConnectorView['status']>

/** A Connect cluster in memory: what it holds, what was asked of it, and hooks to make it behave badly. */
export interface MemoryConnect {
  readonly client: ConnectClient
  readonly connectors: Map<string, ConnectorView>
  readonly offsets: Map<string, readonly ConnectOffset[]>
  /** Acts that write, in order, such as "putConfig shop". */
  readonly writes: string[]
  /** What the next calls answer instead: errors of validate, or something thrown by every call. */
  readonly trouble: { invalid: readonly ConfigError[]; thrown: unknown }
  /** Gives a connector a state and the states of its tasks. */
  set(name: string, state: Status['state'], tasks: readonly Partial<Status['tasks'][number]>[]): void
}

/** An error as the client throws it. */
export function connectError(kind: 'Unreachable' | 'Busy' | 'Refused', message: string, status = 0): Error {
  return Object.assign(new Error(message), { name: 'ConnectError', kind, status })
}

/** An empty Connect cluster; connectors run as soon as they are made. */
export function memoryConnect(): MemoryConnect {
  const connectors = new Map<string, ConnectorView>()
  const offsets = new Map<string, readonly ConnectOffset[]>()
  const writes: string[] = []
  const trouble: MemoryConnect['trouble'] = { invalid: [], thrown: undefined }
  const set: MemoryConnect['set'] = (name, state, tasks) => {
    const status: Status = {
      state,
      tasks: tasks.map((task, id) => ({ id, state: 'RUNNING', worker: 'w:8083', ...task })),
    }
    connectors.set(name, { name, config: connectors.get(name)?.config ?? {}, status })
  }
  const write = (what: string, name: string, run: () => void): Promise<void> => {
    if (trouble.thrown !== undefined) return Promise.reject(trouble.thrown)
    writes.push(`${what} ${name}`)
    run()
    return Promise.resolve()
  }
  const read = <T>(answer: () => T): Promise<T> =>
    trouble.thrown === undefined ? Promise.resolve(answer()) : Promise.reject(trouble.thrown)
  const ifThere = (name: string, run: () => void) => (connectors.has(name) ? run() : undefined)

  const client: ConnectClient = {
    version: () => read(() => ({ version: '4.3.1', kafkaClusterId: 'k' })),
    plugins: () => read(() => []),
    // As Connect does: without those that have no status yet.
    connectors: () => read(() => new Map([...connectors].filter(([, { status }]) => status))),
    config: (name) => read(() => connectors.get(name)?.config),
    validate: () => read(() => trouble.invalid),
    create: (name, config, state) => {
      if (connectors.has(name)) return Promise.reject(connectError('Refused', 'already exists', 409))
      return write('create', name, () => {
        connectors.set(name, { name, config })
        set(name, state, state === 'STOPPED' ? [] : [{ state }])
      })
    },
    putConfig: (name, config) =>
      write('putConfig', name, () => void connectors.set(name, { ...connectors.get(name), name, config })),
    pause: (name) =>
      write('pause', name, () => ifThere(name, () => set(name, 'PAUSED', [{ state: 'PAUSED' }]))),
    resume: (name) => write('resume', name, () => ifThere(name, () => set(name, 'RUNNING', [{}]))),
    stop: (name) => write('stop', name, () => ifThere(name, () => set(name, 'STOPPED', []))),
    restart: (name, what) => write(`restart ${what}`, name, () => undefined),
    offsets: (name) => read(() => (connectors.has(name) ? (offsets.get(name) ?? []) : undefined)),
    resetOffsets: (name) => write('resetOffsets', name, () => offsets.delete(name)),
    remove: (name) => write('remove', name, () => connectors.delete(name)),
    close: () => Promise.resolve(),
  }
  return { client, connectors, offsets, writes, trouble, set }
}
