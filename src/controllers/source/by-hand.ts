import type { BackboneSpec } from '../../api/backbone.ts'
import type { Source } from '../../api/source/index.ts'
import type { ResourceId } from '../../external/contract.ts'
import { type SourceServices, topicPrefixOf } from './open.ts'

/** How a person takes away what a Source has left behind. Asks nobody: the systems may be gone. */
export function byHand({ types, backbone }: SourceServices, source: Source, id: ResourceId): string {
  const { metadata, spec, status } = source
  const found: Partial<BackboneSpec> = backbone(`${metadata.namespace}/${spec.backboneRef.name}`)?.spec ?? {}
  switch (id.kind) {
    case 'Connector': {
      const url = status?.identity?.connectUrl ?? found.connect?.external?.url ?? '<Kafka Connect>'
      const connector = `${url}/connectors/${id.name}`
      return `curl -X PUT ${connector}/stop; curl -X DELETE ${connector}/offsets; curl -X DELETE ${connector}`
    }
    case 'TopicSet': {
      const servers = found.kafka?.bootstrapServers.join(',') ?? '<brokers>'
      const prefix = topicPrefixOf(source).replaceAll('.', '\\.')
      return `kafka-topics.sh --bootstrap-server ${servers} --delete --topic '(__debezium-heartbeat\\.)?${prefix}(\\..*)?'`
    }
    default:
      return types.find(({ type }) => type === spec.type)?.byHand(source, id) ?? 'remove it by hand'
  }
}
