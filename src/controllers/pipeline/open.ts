import type { Backbone } from '../../api/backbone.ts'
import type { Pipeline } from '../../api/pipeline.ts'
import type { KubeObjects, WorkloadContext } from '../../external/workload.ts'
import type { KafkaOf } from '../services.ts'
import type { SourceServices } from '../source/open.ts'
import type { ViewInput } from './expressions.ts'
import type { PlannedFlow } from './flows.ts'
import type { ResolvedInput } from './inputs.ts'
import type { Image } from './manifests.ts'

/** What Pipelines need besides what Sources need: their inputs are Sources' topics. */
export interface PipelineServices extends SourceServices {
  readonly kube: KubeObjects
  readonly image: Image
  readonly askPod: WorkloadContext['ask']
  /** By namespace/name. */
  readonly pipeline: (key: string) => Pipeline | undefined
}

/** A Pipeline with everything resolved. */
export interface OpenPipeline {
  readonly pipeline: Pipeline
  readonly backbone: Backbone
  readonly user: string
  readonly kafka: KafkaOf
  readonly inputs: ReadonlyMap<string, ResolvedInput>
  readonly flows: readonly PlannedFlow[]
  readonly views: readonly ViewInput[]
}
