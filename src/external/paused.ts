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
  // What a task said of an earlier pause must not be taken for its word on this one.
  await untilAll('RUNNING', client, name, signal)
  await client.pause(name, signal)
  try {
    await untilAll('PAUSED', client, name, signal)
    await work(signal)
  } finally {
    await client.resume(name, AbortSignal.timeout(RESUME_LIMIT_MS))
  }
}

async function untilAll(
  state: 'RUNNING' | 'PAUSED',
  client: ConnectClient,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    const status = (await client.connectors(signal)).get(name)?.status
    const tasks = status?.tasks ?? []
    if (tasks.length > 0 && [status, ...tasks].every((one) => one?.state === state)) return
    await sleep(LOOK_EVERY_MS, signal)
    signal.throwIfAborted()
  }
  throw new Waiting('NotSwitched', `connector ${name} is not ${state} everywhere: see its tasks`, 15_000)
}
