import { backboneKind } from './backbone.ts'
import { pipelineKind } from './pipeline.ts'
import { sourceKind } from './source/index.ts'

/** Every kind, in the order in which they stand on one another. */
export const KINDS = [backboneKind, sourceKind, pipelineKind] as const
