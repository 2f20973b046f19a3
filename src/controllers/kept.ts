import type { Backbone } from '../api/backbone.ts'
import type { AnyResource } from './controller.ts'
import { hasAll, type SecretData } from './keeper.ts'
import type { Services } from './services.ts'

/**
 * Opens what an object refers to and keeps what was found; of an object that is being deleted, what is missing is taken
 * as it was kept. Without a keeper, what is missing is missing.
 */
export async function openKept<S extends Services, T>(
  services: S,
  object: AnyResource,
  open: (services: S) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { keeper } = services
  if (!keeper) return open(services)
  const dying = object.metadata.deletionTimestamp !== undefined
  const kept = dying ? await keeper.recall(object, signal) : undefined
  const backbones: Record<string, Backbone> = {}
  const secrets: Record<string, SecretData> = {}
  const opened = await open({
    ...services,
    backbone: (key) => {
      const found = services.backbone(key) ?? kept?.backbones[key]
      if (found) backbones[key] = lasting(found)
      return found
    },
    orKept: (key, keys, found) => {
      const data = hasAll(found, keys) ? found : (kept?.secrets[key] ?? found)
      if (data) secrets[key] = data
      return data
    },
  })
  if (!dying) await keeper.keep(object, { backbones, secrets }, signal)
  return opened
}

/** Without what changes by itself. */
function lasting({ status: _status, metadata, ...backbone }: Backbone): Backbone {
  const { name, namespace, uid, generation, creationTimestamp } = metadata
  return {
    ...backbone,
    metadata: { name, namespace, uid, generation, creationTimestamp, resourceVersion: '' },
  }
}
