import { Agent } from 'undici'

import type { WorkloadStatus } from '../contracts/workload.ts'
import { within } from '../lib/time.ts'
import type { Question } from './question.ts'

/** A pod that does not answer within this time counts as one that does not. */
const LIMIT_MS = 3_000
const AT_ONCE = 256
/** Of more than 1,750 pods, each is asked less often than every five seconds: of 10,000, every 28. */
const MOST_PER_SECOND = 350

/** Asks a processor or gateway for its status at a url; throws when it does not answer with 200. */
export type AskPod = (url: string, signal: AbortSignal) => Promise<WorkloadStatus>

/** Asks pods over HTTP. A connection each would be kept open otherwise, to every pod there is. */
export function createAskPod(): { readonly ask: AskPod; readonly close: () => Promise<void> } {
  const agent = new Agent({ pipelining: 0, connections: 1, connect: { timeout: LIMIT_MS } })
  return {
    ask: (url, signal) =>
      within(LIMIT_MS, signal, async (limited) => {
        const { origin, pathname } = new URL(url)
        const response = await agent.request({ origin, path: pathname, method: 'GET', signal: limited })
        if (response.statusCode === 200) return (await response.body.json()) as WorkloadStatus
        await response.body.dump()
        throw new Error(`${url} answers ${response.statusCode}`)
      }),
    close: () => agent.destroy(),
  }
}

/** The statuses of pods, by their url; those that do not answer are left out. */
export const podsQuestion = (ask: AskPod): Question<WorkloadStatus> => ({
  key: 'pods',
  everyMs: 5_000,
  mostPerSecond: MOST_PER_SECOND,
  ask: async (urls, signal) => {
    const answers = new Map<string, WorkloadStatus>()
    const left = urls.values()
    const work = async () => {
      for (const url of left) {
        const answer = await ask(url, signal).catch(() => undefined)
        if (answer) answers.set(url, answer)
      }
    }
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, urls.length) }, work))
    return answers
  },
})
