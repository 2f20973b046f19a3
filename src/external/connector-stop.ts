import { Stalled } from '../lib/verdict.ts'
import {
  type ConnectorContext,
  type ConnectorWish,
  connectorsPoll,
  connectVerdict,
  findConnector,
  OWNER_SETTING,
  ownership,
} from './connector.ts'

/** Stops a connector of ours, whatever its state is wanted to be; throws a verdict when Connect does not answer. */
export async function stopConnector(
  {
    client,
    url,
    polls,
    user,
    detached,
  }: Pick<ConnectorContext, 'client' | 'url' | 'polls' | 'user' | 'detached'>,
  { name, owner }: ConnectorWish,
  signal: AbortSignal,
): Promise<void> {
  const views = await polls.read(connectorsPoll(url, client, name), user, signal).catch(connectVerdict(url))
  const view = views.get(name)
  if (!view || view.config[OWNER_SETTING] !== owner || view.status?.state === 'STOPPED') return
  await detached
    .run(`${url} ${name}`, `stopping connector ${name}`, (running) => client.stop(name, running))
    .catch(connectVerdict(url))
}

/**
 * Stops a connector of ours, runs something, and then forgets its stored position; where there is none yet, only runs it.
 * Throws verdicts: Stalled where it is another's.
 */
export async function forgetPosition(
  context: Pick<ConnectorContext, 'client' | 'url' | 'polls' | 'user' | 'detached' | 'now'>,
  { name, owner }: Pick<ConnectorWish, 'name' | 'owner'>,
  meanwhile: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { client, url, detached, now } = context
  const view = await findConnector(context, name, signal, now())
  if (!view) return meanwhile(signal)
  const refused = ownership(view, { name, owner, adoption: 'Refuse' })[0]?.refused
  if (refused) throw new Stalled(refused.reason, refused.message)
  await detached
    .run(`${url} ${name}`, `forgetting the position of connector ${name}`, async (running) => {
      await client.stop(name, running)
      await meanwhile(running)
      await client.resetOffsets(name, running)
    })
    .catch(connectVerdict(url))
}
