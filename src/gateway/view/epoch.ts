import type { TopicDescription } from '../../clients/kafka/types.ts'
import type { ViewConfig } from '../../contracts/gateway.ts'
import { hashOf } from '../../lib/json.ts'

/** What tokens of a view hold on to, 16 hex digits: it changes when offsets or rows mean something else. */
export function epochOf(topic: Pick<TopicDescription, 'id' | 'partitions'>, view: ViewConfig): string {
  return hashOf({
    topic: topic.id,
    partitions: topic.partitions,
    fields: view.fields ?? null,
    index: view.index,
    mode: view.mode,
    allow: view.allow ?? null,
    input: view.input.epoch,
  })
}
