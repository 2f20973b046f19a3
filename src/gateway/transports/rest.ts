import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Authenticate } from '../auth.ts'
import type { ServedView } from '../hub/served.ts'
import type { GatewayMetrics } from '../metrics.ts'
import { type Answer, errorAnswer, later, write } from './answer.ts'
import { originAllowed } from './origin.ts'
import { belowMinimum, pageAnswer, rowAnswer } from './rows.ts'

/** What REST needs. */
export interface RestDeps {
  readonly views: ReadonlyMap<string, ServedView>
  readonly authenticate: Authenticate
  readonly allowedOrigins: readonly string[]
  readonly metrics: GatewayMetrics
}

const PREFIX = '/v1/views/'

const EXPOSED = 'ETag, Penstock-Position, Penstock-Commit-Time, Retry-After'

/** Answers `GET /v1/views/{view}` and `GET /v1/views/{view}/{key}`; errors are JSON with one sentence. Never throws. */
export function restHandler(deps: RestDeps): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const { origin } = request.headers
    const allowed = originAllowed(origin, deps.allowedOrigins)
    const refused = errorAnswer(403, 'forbidden', 'this origin may not read from here')
    const answer = allowed ? respond(request, deps) : Promise.resolve(refused)
    const cors = allowed && origin !== undefined ? corsOf(origin) : {}
    void answer
      .catch(() => errorAnswer(500, 'overloaded', 'the request could not be answered'))
      .then((made) => {
        deps.metrics.answered(made.status)
        write(response, made, { vary: 'Origin, Authorization', ...cors })
      })
  }
}

function corsOf(origin: string): Readonly<Record<string, string>> {
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED }
}

async function respond(request: IncomingMessage, deps: RestDeps): Promise<Answer> {
  if (request.method === 'OPTIONS') return PREFLIGHT
  const url = new URL(request.url ?? '/', 'http://gateway')
  const path = pathOf(url.pathname)
  if (!path) return errorAnswer(404, 'not-found', 'there is nothing here: rows are at /v1/views/{view}')
  if (request.method !== 'GET')
    return errorAnswer(405, 'bad-frame', 'rows can only be read', { allow: 'GET' })
  const served = deps.views.get(path.view)
  const result = await deps.authenticate(bearerOf(request))
  if (result.type === 'Refused') {
    return errorAnswer(401, 'unauthorized', result.message, { 'www-authenticate': 'Bearer' })
  }
  if (result.type === 'Unavailable') return later(result.message, 5)
  if (!served) return errorAnswer(404, 'unknown-view', `there is no view "${path.view}"`)
  return answerOf(served, path.key, url.searchParams, request, result.claims)
}

async function answerOf(
  served: ServedView,
  key: string | undefined,
  query: URLSearchParams,
  request: IncomingMessage,
  claims: Parameters<ServedView['cohorts']['join']>[0],
): Promise<Answer> {
  const { content, config } = served.view
  if (config.mode === 'All') {
    return errorAnswer(
      400,
      'bad-selector',
      `view "${config.name}" serves events: subscribe to it at /v1/stream`,
    )
  }
  if (content?.mode !== 'Latest') return later('the view cannot be read yet')
  const cohort = served.cohorts.join(claims)
  if (!cohort)
    return errorAnswer(503, 'too-many-cohorts', 'too many kinds of clients', { 'retry-after': '10' })
  try {
    if (served.policy.type === 'PerClient' && !cohort.sees({})) {
      return errorAnswer(403, 'forbidden', `view "${config.name}" is not for this client`)
    }
    const below = belowMinimum(headerOf(request, 'penstock-min'), content)
    if (below) return below
    return key === undefined
      ? await pageAnswer(served, content, cohort, query)
      : rowAnswer(content, key, cohort, headerOf(request, 'if-none-match'))
  } finally {
    served.cohorts.leave(cohort)
  }
}

const PREFLIGHT: Answer = {
  status: 204,
  headers: {
    'access-control-allow-methods': 'GET',
    'access-control-allow-headers': 'Authorization, If-None-Match, Penstock-Min',
    'access-control-max-age': '600',
  },
}

/** View and key of a path, each percent-decoded once: the key string's own escapes stay. */
function pathOf(pathname: string): { readonly view: string; readonly key: string | undefined } | undefined {
  if (!pathname.startsWith(PREFIX)) return undefined
  const [view = '', key, ...rest] = pathname.slice(PREFIX.length).split('/')
  if (view === '' || key === '' || rest.length > 0) return undefined
  try {
    return { view: decodeURIComponent(view), key: key === undefined ? undefined : decodeURIComponent(key) }
  } catch {
    return undefined
  }
}

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}
