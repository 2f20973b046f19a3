import type { Consumer } from '@platformatic/kafka'

import { kafkaError } from './errors.ts'

/** Where a topic's partitions are led, by partition; −1 where there is no leader now. */
export interface Route {
  readonly topicId: string
  readonly leaders: readonly number[]
}

/** Knows which broker leads each partition, until it is told that this has changed. */
export interface Routes {
  get(topic: string): Route | undefined
  /** The topic's name, for an id that some route has or had. */
  topicOf(topicId: string): string | undefined
  /** Forgets where these topics are led; the next `refresh` asks again. */
  forget(topics: Iterable<string>): void
  /**
   * Looks up those of these topics that are unknown. One that does not exist stays unknown and is asked for again
   * after half a second. Throws a KafkaError when no broker answers.
   */
  refresh(topics: Iterable<string>): Promise<void>
}

const RETRY_MS = 500

/** Routes by the metadata of a consumer, one request a topic: a topic that is missing spoils no other. */
export function createRoutes(consumer: Consumer, now: () => number): Routes {
  const routes = new Map<string, Route>()
  const names = new Map<string, string>()
  const retryAt = new Map<string, number>()

  async function look(topic: string): Promise<void> {
    retryAt.set(topic, now() + RETRY_MS)
    const found = await consumer
      .metadata({ topics: [topic], forceUpdate: true })
      .then(({ topics }) => topics.get(topic))
      .catch((error: unknown) => {
        if (notThereYet(error)) return undefined
        throw kafkaError(`find the leaders of ${topic}`, error)
      })
    if (!found) return
    retryAt.delete(topic)
    names.set(found.id, topic)
    routes.set(topic, { topicId: found.id, leaders: found.partitions.map(({ leader }) => leader) })
  }

  return {
    get: (topic) => routes.get(topic),
    topicOf: (topicId) => names.get(topicId),
    forget: (topics) => {
      for (const topic of topics) routes.delete(topic)
    },
    refresh: async (topics) => {
      const missing = [...new Set(topics)].filter(
        (topic) => !routes.has(topic) && (retryAt.get(topic) ?? 0) <= now(),
      )
      await Promise.all(missing.map(look))
    },
  }
}

/** The client replaces UNKNOWN_TOPIC_OR_PARTITION by this text and gives no code with it (2.12.1). */
function notThereYet(error: unknown): boolean {
  const { apiId } = kafkaError('', error)
  if (apiId === 'LEADER_NOT_AVAILABLE' || apiId === 'UNKNOWN_TOPIC_OR_PARTITION') return true
  return error instanceof Error && error.message.startsWith('Unknown topic ')
}
