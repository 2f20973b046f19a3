import type { Keeper, Kept, Owner } from '../controllers/keeper.ts'
import { hashOf } from '../lib/json.ts'
import { messageOf, Waiting } from '../lib/verdict.ts'
import type { KubeClient } from '../runtime/kube.ts'
import { readSecret, SECRETS } from './cluster.ts'

const MANAGER = 'penstock-operator'
const KEY = 'references.json'

/** A keeper that writes one Secret per object into the operator's own namespace, called after the object's uid. */
export function createKeeper(kube: KubeClient, namespace: string): Keeper {
  // What each holds by now; an entry lives as long as its object.
  const known = new Map<string, string>()
  const recall: Keeper['recall'] = async (object, signal) => {
    const data = await readSecret(kube, namespace, nameOf(object), signal)
    return data?.[KEY] === undefined ? undefined : (JSON.parse(data[KEY]) as Kept)
  }
  return {
    recall,
    keep: async (object, kept, signal) => {
      const { uid } = object.metadata
      const hash = hashOf(kept)
      if (known.get(uid) === hash) return
      try {
        const before = known.has(uid) ? undefined : await recall(object, signal)
        if (!before || hashOf(before) !== hash)
          await kube.apply(SECRETS, secretOf(namespace, object, kept), MANAGER, signal)
      } catch (error) {
        signal.throwIfAborted()
        throw notKept(namespace, nameOf(object), error)
      }
      known.set(uid, hash)
    },
    discard: async (object, signal) => {
      await kube.remove(SECRETS, namespace, nameOf(object), signal)
      known.delete(object.metadata.uid)
    },
  }
}

const nameOf = ({ kind, metadata }: Owner): string => `penstock-cleanup-${kind.toLowerCase()}-${metadata.uid}`

function secretOf(namespace: string, object: Owner, kept: Kept) {
  const { metadata, kind } = object
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'penstock.dev/cleanup',
    metadata: {
      name: nameOf(object),
      namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'penstock',
        'penstock.dev/owner-kind': kind,
        'penstock.dev/owner-namespace': metadata.namespace,
        'penstock.dev/owner-name': metadata.name,
        'penstock.dev/owner-uid': metadata.uid,
      },
    },
    data: { [KEY]: Buffer.from(JSON.stringify(kept)).toString('base64') },
  }
}

const notKept = (namespace: string, name: string, error: unknown): Waiting =>
  new Waiting(
    'CleanupNotKept',
    `what a deletion would need cannot be kept in Secret ${name} of namespace ${namespace}, the operator's own: ${messageOf(error, 300)}. Let the operator get, create, patch and delete secrets there`,
    30_000,
  )
