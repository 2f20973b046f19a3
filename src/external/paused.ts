import type { ConnectClient } from '../clients/connect.ts'
import { sleep } from '../lib/time.ts'
import { Waiting } from '../lib/verdict.ts'

const LOOKS = 100
const LOOK_EVERY_MS = 200
const RESUME_LIMIT_MS = 60_000

/**
 * Runs `work` while every task of a connector says itself that it is paused, and resumes the connector whatever comes
 * of it. Such a task hands nothing on that its database commits from then on, until it is resumed.
 */
export async function whilePaused(
  client: ConnectClient,
  name: string,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await client.pause(name, signal)
  try {
    await untilPaused(client, name, signal)
    await work(signal)
  } finally {
    await client.resume(name, AbortSignal.timeout(RESUME_LIMIT_MS))
  }
}

async function untilPaused(client: ConnectClient, name: string, signal: AbortSignal): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    const status = (await client.connectors(signal)).get(name)?.status
    const tasks = status?.tasks ?? []
    const paused = [status, ...tasks].every((one) => one?.state === 'PAUSED')
    if (paused && tasks.length > 0) return
    await sleep(LOOK_EVERY_MS, signal)
    signal.throwIfAborted()
  }
  throw new Waiting('NotPaused', `connector ${name} does not pause: see its tasks`, 15_000)
}
