import type { FlowConfig } from '../contracts/processor.ts'
import type { CelOutcome } from '../lib/cel.ts'
import { compileSteps, type Program } from './steps.ts'

/** The steps of a flow, compiled for each of its inputs (by the input's name). */
export type FlowPrograms = ReadonlyMap<string, Program>

/**
 * Checks a flow as a whole and compiles its steps: the sentence says what is wrong. It needs nothing but the
 * configuration, so that the operator can refuse a flow before anything runs.
 */
export function planFlow(flow: FlowConfig): CelOutcome<FlowPrograms> {
  const programs = new Map<string, Program>()
  for (const input of flow.inputs) {
    const compiled = compileSteps(flow.steps, input.columns)
    if (!compiled.ok)
      return { ok: false, message: `flow ${flow.name}, input ${input.name}, ${compiled.message}` }
    programs.set(input.name, compiled.value)
  }
  const wrong = contradiction(flow)
  return wrong === undefined
    ? { ok: true, value: programs }
    : { ok: false, message: `flow ${flow.name}: ${wrong}` }
}

function contradiction({ inputs, steps, as, state, output }: FlowConfig): string | undefined {
  const topics = inputs.map(({ topic }) => topic)
  const reduceAt = steps.findIndex((step) => 'reduce' in step)
  if (inputs.length === 0) return 'it has no input'
  if (new Set(topics).size < topics.length) return 'two inputs read one topic'
  if (topics.includes(output.topic)) return `it reads its own output ${output.topic}`
  if (reduceAt >= 0 && reduceAt < steps.length - 1) return 'reduce must be the last step'
  if (as === 'Stream')
    return reduceAt >= 0 && state.type === 'None' ? 'reduce on a Stream needs state' : undefined
  if (state.type === 'Output') return 'the output of a Table is not its state; it needs a state topic'
  if (state.type === 'None' && (reduceAt >= 0 || steps.some((step) => 'key' in step))) {
    return 'key and reduce on a Table need a state topic'
  }
  return undefined
}
