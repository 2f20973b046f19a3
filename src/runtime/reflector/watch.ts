import { StringDecoder } from 'node:string_decoder'

import type { KubeClient, KubeObject, ResourceType } from '../kube.ts'

/**
 * A watch that says nothing for this long has ended. Bookmarks come once a minute, which is too late to notice a dead
 * connection within one; a quiet watch is therefore opened anew each time, which costs little.
 */
const SILENCE_MS = 50_000

/** What happened to an object; a BOOKMARK only says how far the watch has come. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: KubeObject
}

interface Failure {
  readonly type: 'ERROR'
  readonly object: { readonly code?: number; readonly message?: string; readonly reason?: string }
}

/**
 * Opens a watch; its events come until the server ends it or falls silent for 50 s. Throws KubeError, also in the middle,
 * where the server says so, and what the connection throws when it breaks.
 */
export async function openWatch(
  kube: KubeClient,
  type: ResourceType,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AsyncIterable<WatchEvent>> {
  const silence = new AbortController()
  const alarm = setTimeout(() => silence.abort(new Error('silent')), SILENCE_MS)
  try {
    const ended = AbortSignal.any([signal, silence.signal])
    const body = await kube.watch(type, { ...query, allowWatchBookmarks: 'true' }, ended)
    // Without a listener, an abort between two reads would be an unhandled error event.
    body.on('error', () => undefined)
    return read(body, alarm, silence.signal)
  } catch (error) {
    clearTimeout(alarm)
    throw error
  }
}

async function* read(
  body: AsyncIterable<Buffer>,
  alarm: NodeJS.Timeout,
  silence: AbortSignal,
): AsyncGenerator<WatchEvent> {
  try {
    for await (const line of linesOf(body)) {
      alarm.refresh()
      const event = JSON.parse(line) as WatchEvent | Failure
      if (event.type === 'ERROR') throw errorOf(event)
      yield event
    }
  } catch (error) {
    if (!silence.aborted) throw error
  } finally {
    clearTimeout(alarm)
  }
}

/** Whole lines; what a broken connection leaves of one is dropped. */
async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

const errorOf = ({ object }: Failure): Error =>
  Object.assign(new Error(object.message ?? 'watch error'), {
    name: 'KubeError',
    status: object.code ?? 500,
    reason: object.reason ?? '',
  })
