import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'

import type { WorkloadStatus } from '../contracts/workload.ts'
import { within } from '../lib/time.ts'
import type { Pace } from './pace.ts'
import type { Question } from './question.ts'

/** A pod that does not answer within this time counts as one that does not. */
const LIMIT_MS = 3_000
/** A start of more than these at once would hold everything else up for a moment. */
const AT_ONCE = 64
/**
 * Of more than a thousand pods each is asked less often than every five seconds, but for those that are behind; none so
 * seldom that its lag would count as not measured, which it does after a minute.
 */
const PACE: Pace<WorkloadStatus> = {
  mostPerSecond: 200,
  oldestMs: 50_000,
  isPressing: ({ units }) =>
    units.some(({ state, lag }) => state !== 'Running' || lag.records > 0 || lag.seconds > 0),
}

/** Asks a processor or gateway for its status at a url; throws when it does not answer with 200. */
export type AskPod = (url: string, signal: AbortSignal) => Promise<WorkloadStatus>

/**
 * Asks over HTTP, on a connection that is closed afterwards: there are as many pods as Pipelines. Node's own client, since
 * it takes less processor time where every request has a connection of its own.
 */
export const askPod: AskPod = (url, signal) =>
  within(LIMIT_MS, signal, async (limited) => {
    const request = get(url, { agent: false, signal: limited, headers: { accept: 'application/json' } })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    if (response.statusCode === 200) return (await json(response)) as WorkloadStatus
    response.resume()
    throw new Error(`${url} answers ${response.statusCode}`)
  })

/** The statuses of pods, by their url; those that do not answer are left out, and say nothing of others. */
export const podsQuestion = (ask: AskPod): Question<WorkloadStatus> => ({
  ...{ key: 'pods', everyMs: 5_000, pace: PACE, apart: AT_ONCE },
  ask: async (urls, signal) => {
    const asked = urls.map(async (url) => ({ url, answer: await ask(url, signal).catch(() => undefined) }))
    const answers = await Promise.all(asked)
    return new Map(answers.flatMap(({ url, answer }) => (answer ? [[url, answer]] : [])))
  },
})
