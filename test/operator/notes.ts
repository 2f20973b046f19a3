import { EVENTS } from './kube.ts'
import type { World } from './world.ts'

/** What the Events of a world's namespace say. */
export async function eventNotes({ kube, namespace }: World): Promise<readonly string[]> {
  const { items } = await kube.listIn(EVENTS, namespace, {}, AbortSignal.timeout(20_000))
  return items.flatMap((event) => ('note' in event ? [String(event.note)] : []))
}
