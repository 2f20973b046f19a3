import type { PipelineView } from '../../api/pipeline.ts'
import type { FlowConfig, Step } from '../../contracts/processor.ts'
import type { TopicInput } from '../../contracts/workload.ts'
import type { Health } from '../../external/contract.ts'
import { type CelColumns, type CelKinds, compileCel } from '../../lib/cel.ts'

/** A view with what it reads. */
export interface ViewInput {
  readonly view: PipelineView
  readonly input: TopicInput
}

/** Whether every expression compiles against the columns that are known; the first that does not is named. Pure. */
export function checkExpressions(flows: readonly FlowConfig[], views: readonly ViewInput[]): Health {
  const errors = [...flows.flatMap(flowErrors), ...views.flatMap(viewErrors)]
  const [first] = errors
  return first === undefined
    ? { type: 'Ready', message: 'every expression compiles' }
    : { type: 'Broken', reason: 'InvalidExpression', message: errors.slice(0, 5).join(' · ') }
}

function flowErrors({ name, steps, inputs }: FlowConfig): readonly string[] {
  let columns: TopicInput['columns'] = inputs.length === 1 ? inputs[0]?.columns : undefined
  return steps.flatMap((step, index) => {
    const where = `spec.flows[${name}].steps[${index}]`
    const errors = stepErrors(step, where, columns)
    columns = columnsAfter(columns, step)
    return errors
  })
}

function stepErrors(step: Step, where: string, columns: CelColumns | undefined): readonly string[] {
  if ('filter' in step) return compileError(step.filter, `${where}.filter`, 'bool', columns)
  if ('key' in step) return compileError(step.key, `${where}.key`, 'text', columns)
  if ('map' in step) {
    return Object.entries(step.map).flatMap(([field, text]) =>
      compileError(text, `${where}.map.${field}`, 'any', columns),
    )
  }
  return []
}

/** Columns as a step leaves them: after a map only the values tell types. */
export function columnsAfter(columns: TopicInput['columns'], step: Step): TopicInput['columns'] {
  if ('map' in step) return undefined
  if (!('drop' in step) || !columns) return columns
  return Object.fromEntries(Object.entries(columns).filter(([name]) => !step.drop.includes(name)))
}

function compileError(
  text: string,
  where: string,
  result: CelKinds['result'],
  columns: CelColumns | undefined,
): readonly string[] {
  const compiled = compileCel(text, { place: 'step', result, ...(columns ? { columns } : {}) })
  return compiled.ok ? [] : [`${where}: ${compiled.message}`]
}

function viewErrors({ view, input }: ViewInput): readonly string[] {
  const { name, allow, fields = [], index = [] } = view
  const unknown = input.columns
    ? [...fields, ...index].filter((field) => !(field in (input.columns ?? {})))
    : []
  const missing = unknown.map((field) => `spec.views[${name}]: ${input.name} has no field ${field}`)
  if (allow === undefined) return missing
  const compiled = compileCel(allow, {
    place: 'allow',
    result: 'bool',
    ...(input.columns ? { columns: input.columns } : {}),
  })
  return compiled.ok ? missing : [...missing, `spec.views[${name}].allow: ${compiled.message}`]
}
