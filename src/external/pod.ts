import { request } from 'undici'

import type { WorkloadStatus } from '../contracts/workload.ts'

/** A pod that does not answer within this time counts as one that does not. */
const LIMIT_MS = 3_000

/** Asks a processor or gateway for its status at `url`; throws when it does not answer with 200. */
export async function askPod(url: string, signal: AbortSignal): Promise<WorkloadStatus> {
  const response = await request(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]) })
  if (response.statusCode !== 200) {
    await response.body.dump()
    throw new Error(`${url} answers ${response.statusCode}`)
  }
  return (await response.body.json()) as WorkloadStatus
}
