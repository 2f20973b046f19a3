import type { Selector } from '@penstock/protocol'
import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react'

import type { Client, ClientStatus } from './client.ts'
import type { Entry } from './collection.ts'
import type { SubscribeOptions, Subscription } from './subscription.ts'

/** A subscription that lives as long as the component. `selector` and `options` are compared by their JSON. */
export function useSubscription(
  client: Client,
  view: string,
  selector?: Selector,
  options?: SubscribeOptions,
): Subscription {
  const wish = JSON.stringify([selector ?? { all: true }, options ?? {}])
  const subscription = useMemo(() => {
    const [selected, wishes] = JSON.parse(wish) as [Selector, SubscribeOptions]
    return client.view(view).subscribe(selected, wishes)
  }, [client, view, wish])
  useEffect(() => {
    subscription.open()
    return subscription.close
  }, [subscription])
  return subscription
}

/** The rows of a subscription; the array is the same until one of them changes. */
export function useRows(subscription: Subscription): readonly Entry[] {
  return useSyncExternalStore(subscription.onChange, subscription.list)
}

/** One row of a subscription; undefined while there is none. */
export function useRow(subscription: Subscription, key: string): Entry | undefined {
  const snapshot = useCallback(() => subscription.getSnapshot(key), [subscription, key])
  return useSyncExternalStore(subscription.onChange, snapshot)
}

/** The rows that a selector gives of a view. */
export function useView(client: Client, view: string, selector?: Selector): readonly Entry[] {
  return useRows(useSubscription(client, view, selector))
}

/** How the connection is. */
export function useStatus(client: Client): ClientStatus {
  return useSyncExternalStore(client.onStatus, client.status)
}
