import type { Backbone } from '../../api/backbone.ts'
import type { Pipeline, PipelineSpec } from '../../api/pipeline.ts'

const metadata = {
  name: 'p',
  namespace: 'ns',
  uid: 'u',
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
}

/** A Pipeline ns/p that says this. */
export function pipelineOf(spec: Partial<PipelineSpec> = {}): Pipeline {
  return {
    apiVersion: 'penstock.dev/v1alpha1',
    kind: 'Pipeline',
    metadata,
    spec: {
      backboneRef: { name: 'main' },
      state: 'Running',
      inputs: [{ name: 'orders', topic: 't' }],
      ...spec,
    },
  }
}

/** A Backbone ns/main with this Kafka. */
export function backboneOf(kafka: Partial<Backbone['spec']['kafka']> = {}): Backbone {
  return {
    apiVersion: 'penstock.dev/v1alpha1',
    kind: 'Backbone',
    metadata: { ...metadata, name: 'main' },
    spec: { kafka: { bootstrapServers: ['k:9092'], ...kafka } },
  }
}
