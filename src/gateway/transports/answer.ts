import type { ServerResponse } from 'node:http'
import { ERROR_RETRY, type ErrorCode } from '@penstock/protocol'

/** An answer by HTTP. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** JSON; absent: no body. */
  readonly body?: string
}

/** Codes of errors by REST: those of frames, and three that only REST needs. */
export type RestErrorCode = ErrorCode | 'not-found' | 'unauthorized' | 'gone'

/** An error as JSON: a code for programs, a sentence for people, and when to try again. */
export function errorAnswer(
  status: number,
  code: RestErrorCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const retry = code in ERROR_RETRY ? ERROR_RETRY[code as ErrorCode] : 'never'
  return { status, headers, body: JSON.stringify({ error: { code, message, retry } }) }
}

/** Not now: `Retry-After` says in how many seconds. */
export function later(message: string, seconds = 1): Answer {
  return errorAnswer(503, 'view-unavailable', message, { 'retry-after': String(seconds) })
}

/** Writes an answer; `extra` headers go first. */
export function write(
  response: ServerResponse,
  answer: Answer,
  extra: Readonly<Record<string, string>>,
): void {
  const { status, headers = {}, body } = answer
  response.writeHead(status, {
    'cache-control': 'private, no-cache',
    'x-content-type-options': 'nosniff',
    ...extra,
    ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...headers,
  })
  response.end(body)
}
