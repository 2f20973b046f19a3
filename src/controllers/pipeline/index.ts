import { type Pipeline, pipelineKind } from '../../api/pipeline.ts'
import { recordedOf } from '../context.ts'
import type { Controller } from '../controller.ts'
import { keyOf, openKafka, requireBackbone, userOf } from '../services.ts'
import type { ViewInput } from './expressions.ts'
import { planFlows } from './flows.ts'
import { resolveInputs } from './inputs.ts'
import type { PipelineServices } from './open.ts'
import { planPipeline } from './plan.ts'
import { ledgerOf, planRemoval } from './removal.ts'

/** Pipelines: output topics, a processor for the flows, a gateway for the views. */
export function pipelineController(services: PipelineServices): Controller<Pipeline> {
  return {
    definition: pipelineKind,
    conditions: ['ExpressionsValid', 'TopicsReady', 'ProcessorAvailable', 'GatewayAvailable'],
    references: ({ metadata, spec }) => [
      { kind: 'Backbone', key: `${metadata.namespace}/${spec.backboneRef.name}` },
      ...spec.inputs.flatMap(({ sourceRef }) =>
        sourceRef ? [{ kind: 'Source', key: `${metadata.namespace}/${sourceRef.name}` }] : [],
      ),
    ],
    refresh: (key) => services.polls.release(userOf('Pipeline', key)),
    look: (key) => services.polls.look(userOf('Pipeline', key)),
    forget: (key) => {
      const user = userOf('Pipeline', key)
      services.board.forget(user)
      services.polls.release(user)
    },
    needsCleanup: (pipeline) => ledgerOf(pipeline).length > 0 || recordedOf(pipeline).length > 0,
    prepare: async (pipeline, signal) => {
      const { metadata, spec } = pipeline
      const user = userOf('Pipeline', keyOf(pipeline))
      const backbone = requireBackbone(services, metadata.namespace, spec.backboneRef.name)
      const kafka = await openKafka(services, backbone, user, signal)
      if (metadata.deletionTimestamp) return planRemoval(services, { pipeline, kafka, user })
      const inputs = await resolveInputs(services, pipeline, kafka, user, signal)
      const defaults = backbone.spec.topicDefaults
      const flows = planFlows(pipeline, inputs, {
        ...(defaults?.replicationFactor === undefined
          ? {}
          : { replicationFactor: defaults.replicationFactor }),
        config: Object.fromEntries(
          Object.entries(defaults?.config ?? {}).map(([key, value]) => [key, String(value)]),
        ),
      })
      const views = (spec.views ?? []).flatMap((view): readonly ViewInput[] => {
        const from = view.from[0] ?? ''
        const input =
          inputs.get(from)?.topic ?? flows.find(({ config }) => config.name === from)?.asInput.topic
        return input ? [{ view, input }] : []
      })
      return planPipeline(services, { pipeline, backbone, user, kafka, inputs, flows, views })
    },
  }
}
