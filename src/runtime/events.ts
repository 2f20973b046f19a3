import { LRUCache } from 'lru-cache'

import type { KubeClient, KubeObject, ResourceType } from './kube.ts'

const EVENTS: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events' }
/** The same event of the same object is written once in this time. */
const REPEAT_MS = 600_000

/** Tells users what happened, as an Event of an object. */
export interface EventRecorder {
  /** Never throws: an event that cannot be written is lost. */
  record(
    object: KubeObject,
    event: {
      readonly type: 'Normal' | 'Warning'
      readonly reason: string
      readonly action: string
      readonly note: string
    },
    signal: AbortSignal,
  ): Promise<void>
}

/** A recorder that writes the same event of the same object at most once in ten minutes (4,096 are remembered). */
export function createEventRecorder(kube: KubeClient, instance: string, now: () => Date): EventRecorder {
  const seen = new LRUCache<string, true>({ max: 4_096, ttl: REPEAT_MS })
  return {
    record: async (object, { type, reason, action, note }, signal) => {
      const key = [object.metadata.uid, type, reason, note].join('\n')
      if (seen.has(key)) return
      seen.set(key, true)
      const at = now()
      const namespace = object.metadata.namespace ?? 'default'
      const event = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: {
          name: `${object.metadata.name}.${at.getTime().toString(16)}${process.hrtime()[1].toString(16)}`,
          namespace,
        },
        // MicroTime: the API server refuses fewer than six digits.
        eventTime: at.toISOString().replace('Z', '000Z'),
        type,
        reason,
        action,
        note: note.slice(0, 1_000),
        reportingController: 'penstock.dev/operator',
        reportingInstance: instance,
        regarding: {
          apiVersion: object.apiVersion,
          kind: object.kind,
          name: object.metadata.name,
          namespace,
          uid: object.metadata.uid,
        },
      }
      await kube.create(EVENTS, event, signal).catch(() => undefined)
    },
  }
}
