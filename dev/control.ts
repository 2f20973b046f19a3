import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import type { Server } from './lib/server.ts'

const START_LIMIT_MS = 150_000
const ACTIONS = ['start', 'stop', 'kill', 'pause', 'resume', 'describe'] as const

type Action = (typeof ACTIONS)[number]

/** Lets other threads and processes drive servers through a UNIX socket at `path`. */
export async function serveControl(
  path: string,
  servers: Readonly<Record<string, Server>>,
): Promise<{ close(): Promise<void> }> {
  const http = createHttpServer((incoming, response) => void answer(incoming, response, servers))
  http.listen(path)
  await once(http, 'listening')
  http.unref()
  return {
    close: async () => {
      http.ref()
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  servers: Readonly<Record<string, Server>>,
): Promise<void> {
  const [, name = '', wanted] = (incoming.url ?? '').split('/')
  const server = servers[name]
  const action = ACTIONS.find((known) => known === wanted)
  const reply = (status: number, body: object) => void response.writeHead(status).end(JSON.stringify(body))
  if (!server || !action) return reply(404, { error: `no ${incoming.url}` })
  try {
    await perform(server, action)
    reply(200, { pid: server.pid, log: server.log })
  } catch (error) {
    reply(500, { error: error instanceof Error ? error.message : String(error) })
  }
}

async function perform(server: Server, action: Action): Promise<void> {
  if (action === 'start') return server.start(AbortSignal.timeout(START_LIMIT_MS))
  if (action !== 'describe') return server[action]()
}

/** What is known of a server that another process owns. */
export interface ServerState {
  readonly name: string
  readonly pid: number | undefined
  readonly log: string
}

/** A server that the process behind the socket owns; its `pid` and `log` are told by `describeServer`. */
export function remoteServer(socketPath: string, name: string): RemoteServer {
  const act = async (action: Action, signal = AbortSignal.timeout(60_000)) => {
    await call(socketPath, name, action, signal)
  }
  return {
    name,
    start: (signal) => act('start', signal),
    stop: () => act('stop'),
    kill: () => act('kill'),
    pause: () => act('pause'),
    resume: () => act('resume'),
  }
}

/** The part of a server that works from afar. */
export type RemoteServer = Omit<Server, 'pid' | 'log'>

/** Asks the owner of a server for its process number and log; throws when the owner does not answer. */
export async function describeServer(
  socketPath: string,
  name: string,
  signal: AbortSignal,
): Promise<ServerState> {
  return { name, ...(await call(socketPath, name, 'describe', signal)) }
}

async function call(socketPath: string, name: string, action: Action, signal: AbortSignal) {
  const outgoing = request({ socketPath, path: `/${name}/${action}`, method: 'POST', signal })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = JSON.parse(Buffer.concat(await response.toArray()).toString('utf8')) as
    | { readonly error: string }
    | { readonly pid: number | undefined; readonly log: string }
  if ('error' in body) throw new Error(`${name} ${action}: ${body.error}`)
  return { pid: body.pid, log: body.log }
}
